"""Draining Ray Serve's proxies, which Serve itself kills at once when it shuts down.

A proxy is uvicorn in an actor, so it is drained like uvicorn in a process of its own: the port
closes, what was accepted is answered to the last byte, then its server ends. Only after that
may Serve be shut down. Serve's own draining is for nodes without replicas, and counts an answer as
given when it is still in the proxy's memory on the way to a slow client.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import MEDIA_TYPE
from app.closing import ask_to_leave, close_port, longest_answer
from app.settings import Settings
from app.stopping import Stop

_log = logging.getLogger(__name__)
_NAMESPACE = "serve"
_PROXY = "SERVE_PROXY_ACTOR"
_STEP_S = 0.1
_CALL_S = 10.0  # a proxy that does not even say so is gone
_NOT_READY = (
    b'{"type":"about:blank","title":"The service is not ready","status":503,"code":"not_ready",'
    b'"detail":"The service is stopping; it finishes what it has accepted.","instance":"/readyz"}'
)


def drain(ray: Any, settings: Settings, stop: Stop) -> None:
    """Let every proxy answer what it has accepted; returns when their ports are closed.

    For `drain_seconds` before that (not after SIGINT) they go on with /readyz at 503.

    Args:
        ray: the module, connected.
        settings: of the service; they bound the time.
        stop: a second signal ends `drain_seconds`.
    """
    proxies = [
        ray.get_actor(each["name"], namespace=_NAMESPACE)
        for each in ray.util.list_named_actors(all_namespaces=True)
        if each["namespace"] == _NAMESPACE and each["name"].startswith(_PROXY)
    ]
    if settings.drain_seconds > 0 and stop.patient:
        _in_each(ray, proxies, _say_so)
        stop.again.wait(settings.drain_seconds)
    if 0 in _in_each(ray, proxies, _close):
        _log.warning("a proxy without an HTTP server was found")
    deadline = time.monotonic() + longest_answer(settings)
    while any(_in_each(ray, proxies, _open)):
        if time.monotonic() > deadline:
            _log.error("answers were still on their way after %d s", longest_answer(settings))
            return
        time.sleep(_STEP_S)


def _in_each(ray: Any, proxies: list[Any], what: Callable[[Any], int]) -> list[int]:
    """Run a function in the proxies' processes; leaves out proxies that are gone."""
    answers = []
    for proxy in tuple(proxies):
        try:
            answers.append(ray.get(proxy.__ray_call__.remote(what), timeout=_CALL_S))
        # What is left then is Serve's own deletion of the application.
        except ray.exceptions.RayError as error:
            _log.warning("a proxy could not be drained: %s", error)
            proxies.remove(proxy)
    return answers


def _servers() -> list[uvicorn.Server]:
    """The servers that run on this event loop: Ray keeps none where it could be asked for."""
    found = []
    for task in asyncio.all_tasks():
        step: Any = task.get_coro()
        while step is not None:
            frame = getattr(step, "cr_frame", None)
            owner = frame.f_locals.get("self") if frame is not None else None
            if isinstance(owner, uvicorn.Server):
                found.append(owner)
                break
            step = getattr(step, "cr_await", None)
    return found


def _on_loop(proxy: Any, work: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run a coroutine on a proxy's event loop; called in the proxy's process, in another thread."""
    loop = next(v.get_loop() for v in vars(proxy).values() if isinstance(v, asyncio.Future))
    return asyncio.run_coroutine_threadsafe(work(), loop).result()


class _NotReady:
    """Answers /readyz with 503 and passes on everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/readyz":
            await self._app(scope, receive, send)
            return
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"retry-after", b"1")]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": _NOT_READY})


# What follows runs in a proxy and is given the proxy itself.


def _say_so(proxy: Any) -> int:
    async def work() -> int:
        servers = _servers()
        for server in servers:
            # Connections that are open keep the application they began with, for one more answer.
            server.config.loaded_app = _NotReady(server.config.loaded_app)
            ask_to_leave(server)
        return len(servers)

    return _on_loop(proxy, work)


def _close(proxy: Any) -> int:
    async def work() -> int:
        servers = _servers()
        for server in servers:
            await close_port(server)
            server.should_exit = True  # uvicorn finishes what it has begun
        return len(servers)

    return _on_loop(proxy, work)


def _open(proxy: Any) -> int:
    async def work() -> int:
        return len(_servers())

    return _on_loop(proxy, work)
