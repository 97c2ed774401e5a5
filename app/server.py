"""uvicorn with a shutdown that first says so, then finishes what was accepted."""

from __future__ import annotations

import signal
import socket
import threading
from types import FrameType

import uvicorn
from fastapi import FastAPI

from app.api.service import Service
from app.closing import ask_to_leave, close_port, longest_answer
from app.settings import Settings


class Server(uvicorn.Server):
    """On the first SIGTERM /readyz turns to 503; after `drain_seconds` the port closes.

    uvicorn then lets the requests it has accepted finish. A second SIGTERM only ends
    `drain_seconds`; a second SIGINT ends the process at once.
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
        ask_to_leave(self)
        timer = threading.Timer(self._drain_seconds, super().handle_exit, (sig, frame))
        timer.daemon = True
        timer.start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the port, then let what was accepted finish."""
        if not self.force_exit:
            await close_port(self)
        await super().shutdown(sockets)


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
        timeout_graceful_shutdown=longest_answer(settings),
    )
    Server(config, app, settings.drain_seconds).run()
