"""Every request seen from outside: an id, a log line, metrics, a trace."""

from __future__ import annotations

import logging
import re
import time
import uuid
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.observability.logs import REQUEST_ID
from app.observability.metrics import Metrics
from app.observability.traces import Traces
from app.progress import Progress

log = logging.getLogger("stoicnet.requests")

_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,128}")
_QUIET = frozenset({"/livez", "/readyz", "/metrics"})


class ObserveMiddleware:
    """Puts `request_id` into the request's state and the answer's headers, and takes notes."""

    def __init__(self, app: ASGIApp, metrics: Metrics, traces: Traces | None = None) -> None:
        """Wrap an ASGI application."""
        self.app = app
        self._metrics = metrics
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _ACCEPTABLE.fullmatch(given) else uuid.uuid4().hex
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        token = REQUEST_ID.set(request_id)
        started, started_ns = time.perf_counter(), time.time_ns()
        status = 500  # what the error handler around us answers if nothing else was sent

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            self._note(scope, state, status, seconds)
            self._trace(scope, headers, state, status, started_ns)
            REQUEST_ID.reset(token)

    def _note(self, scope: Scope, state: dict[str, Any], status: int, seconds: float) -> None:
        route = _route(scope)
        code = _code(state, status)
        self._metrics.requests.labels(route, str(status), code).inc()
        self._metrics.request_seconds.labels(route).observe(seconds)
        facts: dict[str, Any] = {
            "method": scope["method"],
            "route": route,
            "status": status,
            "code": code,
            "milliseconds": round(seconds * 1000, 1),
        }
        progress = state.get("progress")
        if isinstance(progress, Progress):
            spent = dict(progress.milliseconds)
            self._metrics.observe_stages(spent)
            if progress.faces_found is not None:
                self._metrics.faces_found.observe(progress.faces_found)
            facts["stages"] = {stage: round(each, 1) for stage, each in spent.items()}
        level = logging.DEBUG if route in _QUIET else logging.INFO
        text = "%(method)s %(route)s %(status)d %(code)s %(milliseconds).1f ms"
        log.log(level, text, facts, extra=facts)

    def _trace(
        self, scope: Scope, headers: Headers, state: dict[str, Any], status: int, started_ns: int
    ) -> None:
        route = _route(scope)
        if self._traces is None or route in _QUIET:
            return
        progress = state.get("progress")
        stages = list(progress.spans) if isinstance(progress, Progress) else []
        attributes: dict[str, str | int] = {
            "http.request.method": scope["method"],
            "http.response.status_code": status,
            "stoicnet.code": _code(state, status),
            "stoicnet.request_id": state["request_id"],
        }
        self._traces.request(route, headers, started_ns, time.time_ns(), attributes, stages)


def _route(scope: Scope) -> str:
    # Unknown paths share a name: a scan must not fill the metrics.
    return str(getattr(scope.get("route"), "path", "other"))


def _code(state: dict[str, Any], status: int) -> str:
    return str(state.get("code") or ("ok" if status < 400 else "internal_error"))
