"""ONNX Runtime threads by the load: all of them for a lone photograph, one each for several.

Several threads inside a run answer a lone user sooner, but cost processor time: they wait for each
other, and with several photographs in work there are more threads than cores. So on the CPU a graph
is loaded twice, and the load decides which session runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Crowd:
    """Counts the photographs that are worked on now. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._members = 0

    @property
    def alone(self) -> bool:
        """At most one photograph is worked on."""
        return self._members <= 1

    @contextmanager
    def member(self) -> Iterator[None]:
        """One more while the block runs."""
        with self._lock:
            self._members += 1
        try:
            yield
        finally:
            with self._lock:
                self._members -= 1


class CrowdSession:
    """A graph on the CPU whose runs take the threads that the load leaves them. Thread-safe."""

    def __init__(
        self, build: Callable[[int], Any], threads: int, crowd: Crowd | None = None
    ) -> None:
        """Load the graph, twice if it may be run either way.

        Args:
            build: makes an `onnxruntime.InferenceSession` with that many threads inside a run.
            threads: of a lone run.
            crowd: the load; None is always alone.
        """
        self._crowd = crowd
        self.session = build(threads)
        self._lean = build(1) if crowd is not None and threads > 1 else self.session

    def run(
        self, outputs: Sequence[str], inputs: Mapping[str, NDArray[Any]]
    ) -> list[NDArray[np.generic]]:
        """As `InferenceSession.run`; the answer does not depend on the number of threads."""
        alone = self._crowd is None or self._crowd.alone
        session = self.session if alone else self._lean
        return list(session.run(outputs, inputs))
