"""Looking a few items back and ahead in a stream, and running a stage in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def windows(items: Iterable[T], radius: int) -> Iterator[tuple[list[T], int]]:
    """For each item, those from `radius` before it to `radius` after it, and its place in them."""
    held: deque[T] = deque()
    place = 0
    for item in items:
        held.append(item)
        if len(held) - place > radius:
            yield list(held), place
            if place == radius:
                held.popleft()
            else:
                place += 1
    while place < len(held):
        yield list(held), place
        if place == radius:
            held.popleft()
        else:
            place += 1


class _End:
    """The last thing that a stage says: nothing more, or why."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(items: Iterable[T], size: int = 4) -> Iterator[T]:
    """The same items, made in a thread of their own, at most `size` of them ahead.

    An error of theirs is raised here. When this generator is closed the thread ends at its next
    item, and with it what makes them.
    """
    made: queue.Queue[T | _End] = queue.Queue(size)
    closed = threading.Event()

    def put(item: T | _End) -> None:
        while not closed.is_set():
            try:
                made.put(item, timeout=0.1)
                return
            except queue.Full:
                continue

    def work() -> None:
        end = _End(None)
        source = iter(items)
        try:
            for item in source:
                put(item)
                if closed.is_set():
                    break
        except BaseException as error:  # of whatever kind: it is raised where the items are taken
            end = _End(error)
        finally:
            if isinstance(source, Iterator) and hasattr(source, "close"):
                source.close()
        put(end)

    thread = threading.Thread(target=work, name="frames-ahead", daemon=True)
    thread.start()
    try:
        while True:
            item = made.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        closed.set()
        thread.join()
