"""The time each stage of one piece of work took, and whether anybody still waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import AbandonedError


class Progress:
    """Passed through the pipeline, one for each photograph.

    Attributes:
        milliseconds: spent by stage, in the order of their first start.
        spans: stage, start and end in nanoseconds since the epoch, for traces.
        faces_found: how many faces there are, once that is known; a refusal does not undo it.
    """

    def __init__(self, abandoned: threading.Event | None = None) -> None:
        """Start.

        Args:
            abandoned: once set (the client has gone, its deadline has passed), the next stage
                raises instead of starting.
        """
        self.milliseconds: dict[str, float] = {}
        self.spans: list[tuple[str, int, int]] = []
        self.faces_found: int | None = None
        self._abandoned = abandoned

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage; a stage entered again adds to its time.

        Raises:
            AbandonedError: nobody waits any more.
        """
        if self._abandoned is not None and self._abandoned.is_set():
            raise AbandonedError(f"Given up before the stage {name}.")
        start, start_ns = time.perf_counter(), time.time_ns()
        try:
            yield
        finally:
            spent = (time.perf_counter() - start) * 1000
            self.milliseconds[name] = self.milliseconds.get(name, 0.0) + spent
            self.spans.append((name, start_ns, time.time_ns()))
