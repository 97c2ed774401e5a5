"""The queue rests when nothing comes."""

from __future__ import annotations

import asyncio
import threading

from app.api.queue import WorkQueue
from app.memory import give_back


def test_memory_is_given_back_after_a_while_without_work() -> None:
    rested = threading.Event()

    async def scenario() -> None:
        queue = WorkQueue(2, 2, lambda: (give_back(), rested.set()), rest_after=0.3)
        for _ in range(3):  # work that follows soon puts the rest off
            await queue.run(lambda _abandoned, _waited: None)
            await asyncio.sleep(0.05)
            assert not rested.is_set()
        assert await asyncio.to_thread(rested.wait, 20)
        await asyncio.to_thread(queue.close)

    asyncio.run(scenario())


def test_a_queue_that_is_closed_rests_no_more() -> None:
    rested = threading.Event()

    async def scenario() -> None:
        queue = WorkQueue(1, 1, rested.set, rest_after=0.1)
        await queue.run(lambda _abandoned, _waited: None)
        await asyncio.to_thread(queue.close)
        await asyncio.sleep(0.3)

    asyncio.run(scenario())
