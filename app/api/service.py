"""What a running service consists of, and how it takes in one photograph."""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request, Response

from app.api.problems import NotReadyError, UploadTooSlowError
from app.api.queue import WorkQueue, unless_disconnected
from app.api.upload import Upload, read_upload
from app.audit import AuditLog
from app.errors import DeadlineExceededError, StoicNetError
from app.observability.metrics import Metrics
from app.pipeline import Neutralizer
from app.progress import Progress
from app.settings import Settings

Work = Callable[[bytes, Progress], tuple[Response, dict[str, Any]]]
"""From a photograph's file to the answer, and what the audit log keeps of it."""

Plan = Callable[[list[tuple[str, Any]]], Work]
"""From the options in the body to the work; raises what is wrong with them."""


@dataclass(slots=True)
class Service:
    """Built at start-up and kept on `app.state.service`.

    Attributes:
        draining: set when the process was told to stop and still answers.
    """

    neutralizer: Neutralizer
    settings: Settings
    queue: WorkQueue
    metrics: Metrics
    audit: AuditLog | None = None
    draining: threading.Event = field(default_factory=threading.Event)

    def dead_models(self) -> list[str]:
        """Names of the models whose last runs all failed."""
        return [name for name, model in self.neutralizer.models.items() if model.dead]

    def ready(self) -> bool:
        """Whether photographs should be sent here."""
        return not self.draining.is_set() and not self.dead_models()

    async def answer(self, request: Request, plan: Plan, key: str | None) -> Response:
        """Take in a photograph and work on it in a worker thread.

        Args:
            request: its body has not been read yet.
            plan: what is done with the photograph.
            key: the name of the API key, for the audit log.

        Raises:
            StoicNetError: whatever stands in the way.
        """
        progress_of = request.state
        with self.queue.place():
            started = time.perf_counter()
            uploaded = await self._read_upload(request)
            data, work = uploaded.data, plan(uploaded.fields)
            upload = (time.perf_counter() - started) * 1000
            context = contextvars.copy_context()  # the request id, for log lines of the thread

            def job(abandoned: threading.Event, waited: float) -> Response:
                progress = Progress(abandoned)
                progress.milliseconds["upload"] = upload
                progress.milliseconds["queue"] = waited
                progress_of.progress = progress
                return context.run(self._job, data, progress, work, request, key)

            try:
                async with asyncio.timeout(self.settings.request_timeout):
                    return await unless_disconnected(request, self.queue.run(job))
            except TimeoutError as error:
                raise DeadlineExceededError(
                    f"No answer within {self.settings.request_timeout:g} seconds of the upload."
                ) from error

    async def _read_upload(self, request: Request) -> Upload:
        seconds = self.settings.upload_timeout
        try:
            async with asyncio.timeout(seconds):
                return await read_upload(request, self.settings.max_bytes)
        except TimeoutError as error:
            raise UploadTooSlowError(
                f"The upload was not complete after {seconds:g} seconds."
            ) from error

    def _job(
        self, data: bytes, progress: Progress, work: Work, request: Request, key: str | None
    ) -> Response:
        facts: dict[str, Any] = {}
        code = "internal_error"
        try:
            response, facts = work(data, progress)
            code = "ok"
        except StoicNetError as error:
            code = error.code
            raise
        finally:
            if self.audit is not None:
                self.audit.write(
                    request_id=request.state.request_id,
                    key=key,
                    route=request.url.path,
                    code=code,
                    input_sha256=hashlib.sha256(data).hexdigest(),
                    **facts,
                )
        return response


def service_of(request: Request) -> Service:
    """The running service.

    Raises:
        NotReadyError: it is starting or stopping.
    """
    service = getattr(request.app.state, "service", None)
    if not isinstance(service, Service):
        raise NotReadyError("The models are not loaded (starting or stopping); try again soon.")
    return service
