"""The ASGI application. `uvicorn --factory app.main:create_app`, or `stoicnet serve`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from app.api import documented, page, problems, viewer
from app.api.auth import ApiKeys
from app.api.observe import ObserveMiddleware
from app.api.paths import SlashMiddleware
from app.api.queue import WorkQueue
from app.api.routes import router
from app.api.service import Service
from app.audit import AuditLog
from app.observability.metrics import Metrics
from app.observability.traces import Traces
from app.pipeline import Neutralizer
from app.settings import Settings
from app.version import software_version


def create_app(settings: Settings | None = None, neutralizer: Neutralizer | None = None) -> FastAPI:
    """Build the application.

    Args:
        settings: None reads them from the environment.
        neutralizer: None builds it at start-up; a caller that wants to report start-up errors in
            its own way builds it first and passes it.

    Returns:
        The application; it answers 503 until its models are loaded.

    Raises:
        StartupError: the API keys, the audit log or the traces cannot be set up.
    """
    chosen = settings or Settings()
    metrics = Metrics()
    keys = ApiKeys.of(chosen)
    audit = AuditLog(chosen.audit_log) if chosen.audit_log else None
    traces = Traces(chosen.otlp_endpoint) if chosen.otlp_endpoint else None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        ready = neutralizer
        if ready is None:
            ready = await anyio.to_thread.run_sync(Neutralizer.build, chosen)
        # Large photographs take memory that small ones after them never need.
        rest = ready.give_back if chosen.memory_arena else None
        queue = WorkQueue(chosen.workers, chosen.queue_size, rest)
        service = Service(ready, chosen, queue, metrics, audit)
        _watch(metrics, service)
        app.state.service = service
        yield
        app.state.service = None
        await asyncio.to_thread(queue.close)
        if traces is not None:
            await asyncio.to_thread(traces.close)
        if audit is not None:
            audit.close()

    app = FastAPI(
        title="StoicNet",
        version=software_version(),
        summary="The same person, with a neutral face.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
        # FastAPI's own viewers load their scripts from a CDN.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.metrics = metrics
    app.state.keys = keys
    problems.install(app)
    if chosen.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=chosen.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-ID"],
            expose_headers=["*"],
        )
    app.add_middleware(SlashMiddleware)
    app.add_middleware(ObserveMiddleware, metrics=metrics, traces=traces)
    app.include_router(router)
    documented.install(app)
    viewer.install(app)
    page.install(app)
    return app


def _watch(metrics: Metrics, service: Service) -> None:
    metrics.watch_models(service.neutralizer.models)
    queue = service.queue
    watch = metrics.watch
    watch("stoicnet_requests_waiting", "Accepted, without a worker yet.", lambda: queue.waiting)
    watch("stoicnet_requests_working", "Photographs in a worker.", lambda: queue.working)
    watch("stoicnet_requests_limit", "Accepted requests at which 429 begins.", lambda: queue.limit)
    watch("stoicnet_ready", "1 if photographs should be sent here.", lambda: service.ready())
