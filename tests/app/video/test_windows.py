from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.video.windows import ahead, windows


@given(count=st.integers(0, 12), radius=st.integers(0, 5))
def test_each_item_comes_with_its_neighbours(count: int, radius: int) -> None:
    found = list(windows(range(count), radius))
    assert [held[at] for held, at in found] == list(range(count))
    for place, (held, _) in enumerate(found):
        assert held == list(range(max(0, place - radius), min(count, place + radius + 1)))


def test_a_thread_ahead_gives_the_same_and_its_error() -> None:
    assert list(ahead(iter(range(50)), 2)) == list(range(50))

    def breaks() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk is gone"):
        list(ahead(breaks()))


def test_who_stops_listening_stops_the_work() -> None:
    closed = threading.Event()

    def endless() -> Iterator[int]:
        try:
            while True:
                yield 0
        finally:
            closed.set()

    taken = ahead(endless(), 2)
    assert next(taken) == 0
    taken.close()
    assert closed.wait(5)
    assert not [each for each in threading.enumerate() if each.name == "frames-ahead"]
