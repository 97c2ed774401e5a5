"""uvicorn with a shutdown that first says so, then finishes what was accepted."""

from __future__ import annotations

import math
import signal
import threading
from types import FrameType

import uvicorn
from fastapi import FastAPI

from app.api.service import Service
from app.settings import Settings


class Server(uvicorn.Server):
    """On the first SIGTERM /readyz turns to 503; after `drain_seconds` the port closes.

    uvicorn then lets the requests it has accepted finish. A second signal ends it at once.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI, drain_seconds: float) -> None:
        """Wrap uvicorn's server around `app`."""
        super().__init__(config)
        self._app = app
        self._drain_seconds = drain_seconds
        self._told = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came."""
        service = getattr(self._app.state, "service", None)
        if isinstance(service, Service):
            service.draining.set()
        if self._told or self._drain_seconds <= 0 or sig != signal.SIGTERM:
            super().handle_exit(sig, frame)
            return
        self._told = True
        timer = threading.Timer(self._drain_seconds, super().handle_exit, (sig, frame))
        timer.daemon = True
        timer.start()


def run(app: FastAPI, settings: Settings, host: str, port: int) -> None:
    """Serve until a signal comes."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        log_level=settings.log_level,
        access_log=False,  # one line a request, with its id and times, comes from ObserveMiddleware
        server_header=False,
        # Longer than any request may take, so that all that was accepted is answered.
        timeout_graceful_shutdown=math.ceil(settings.upload_timeout + settings.request_timeout) + 5,
    )
    Server(config, app, settings.drain_seconds).run()
