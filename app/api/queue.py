"""Places for requests and threads for photographs: how much work is taken on at once.

Everything here runs on the event loop's thread except the work itself, so nothing needs a lock.
The threads are this queue's own: probes and the page never wait for them.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from fastapi import Request

from app.api.problems import ClientGoneError
from app.errors import QueueFullError

T = TypeVar("T")


class WorkQueue:
    """A bounded number of accepted requests, a smaller one of them in worker threads.

    Attributes:
        limit: accepted requests from which on further ones are refused.
        accepted: requests that have a place now.
        working: photographs in a worker thread now; abandoned ones count until they stop.
    """

    def __init__(
        self,
        workers: int,
        waiting: int,
        rest: Callable[[], object] | None = None,
        rest_after: float = 5.0,
    ) -> None:
        """Start.

        Args:
            workers: photographs worked on at the same time.
            waiting: accepted requests beyond those.
            rest: is run in a worker thread when nothing was worked on for a while.
            rest_after: that while in seconds.
        """
        self._rest, self._rest_after = rest, rest_after
        self._rest_timer: asyncio.TimerHandle | None = None
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="photograph")
        self._free = asyncio.Semaphore(workers)
        self._workers = workers
        self._seconds_each = 0.5  # smoothed time of a photograph in a worker; a guess at first
        self.limit = workers + waiting
        self.accepted = 0
        self.working = 0

    @property
    def waiting(self) -> int:
        """Accepted requests that have no worker yet (or are still uploading)."""
        return max(0, self.accepted - self.working)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place while a request is dealt with.

        Raises:
            QueueFullError: there is none; its fact `retry_after` is in seconds.
        """
        if self.accepted >= self.limit:
            backlog = self.accepted / self._workers * self._seconds_each
            raise QueueFullError(
                f"{self.accepted} requests are accepted already; try again later.",
                retry_after=max(1, math.ceil(backlog / 2)),
            )
        self.accepted += 1
        try:
            yield
        finally:
            self.accepted -= 1

    async def run(self, work: Callable[[threading.Event, float], T]) -> T:
        """Run `work` in a worker thread, first come, first served.

        Args:
            work: called with an event that is set when nobody waits any more (then it should
                stop), and the milliseconds it waited for its worker.

        Raises:
            Whatever `work` raises.
        """
        arrived = time.perf_counter()
        await self._free.acquire()
        abandoned = threading.Event()
        waited = (time.perf_counter() - arrived) * 1000
        started = time.perf_counter()
        loop = asyncio.get_running_loop()

        def ended(_: Future[T]) -> None:
            # The worker is free when its thread is, not when its client stops waiting. The loop
            # may be closed when an abandoned photograph ends after shutdown.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._ended, time.perf_counter() - started)

        self.working += 1
        self._stay_awake()
        future = self._threads.submit(work, abandoned, waited)
        future.add_done_callback(ended)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            abandoned.set()
            raise

    def _ended(self, seconds: float) -> None:
        self.working -= 1
        self._seconds_each += 0.1 * (seconds - self._seconds_each)
        self._free.release()
        if self._rest is not None and not self.working:
            self._stay_awake()
            loop = asyncio.get_running_loop()
            self._rest_timer = loop.call_later(self._rest_after, self._take_a_rest, self._rest)

    def _take_a_rest(self, rest: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the threads have ended
            self._threads.submit(rest)

    def _stay_awake(self) -> None:
        if self._rest_timer is not None:
            self._rest_timer.cancel()
            self._rest_timer = None

    def close(self) -> None:
        """Wait for the threads (at most to the end of their stage, if abandoned) and end them."""
        self._threads.shutdown(wait=True, cancel_futures=True)


async def unless_disconnected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The outcome of `work`, which is cancelled when the client goes away.

    Args:
        request: its body has been read.
        work: what is done for it.

    Raises:
        ClientGoneError: it went away first.
    """
    task = asyncio.ensure_future(work)
    watch = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGoneError("The client went away before the answer was ready.")
        return task.result()
    finally:
        for each in (task, watch):
            each.cancel()
        await asyncio.gather(task, watch, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
