"""How many threads a run takes: the cores there are for a lone photograph, one each for several.

Several threads inside a run answer a lone user sooner, but cost processor time: they wait for each
other, and with several photographs in work there are more threads than cores. So on the CPU a graph
has two sessions, and the load decides which one runs.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")


def _quota(cpu_max: Path) -> float:
    """Cores granted by the cgroup (v2); infinite without a limit."""
    try:
        allowed, period = cpu_max.read_text().split()
        return math.inf if allowed == "max" else int(allowed) / int(period)
    except (OSError, ValueError):
        return math.inf


def usable_cores(cpu_max: Path = _CPU_MAX) -> int:
    """Cores by affinity and cgroup quota, at least 1.

    ONNX Runtime's own choice is the machine's cores: in a container with a quota its threads are
    then throttled by the kernel for most of every period.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min(cores, math.ceil(min(_quota(cpu_max), cores))))


class InFlight:
    """Counts the photographs that are worked on now. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    @property
    def alone(self) -> bool:
        """At most one photograph is worked on."""
        return self._count <= 1

    @contextmanager
    def track(self) -> Iterator[None]:
        """One more while the block runs."""
        with self._lock:
            self._count += 1
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1


class LoadAwareSession:
    """A graph on the CPU whose runs take the threads that the load leaves them. Thread-safe."""

    def __init__(
        self, build: Callable[[int], Any], threads: int, in_flight: InFlight | None = None
    ) -> None:
        """Load the graph; for several photographs at once it is loaded when there first are any.

        Args:
            build: makes an `onnxruntime.InferenceSession` with that many threads inside a run.
            threads: of a lone run.
            in_flight: the load; None is always alone.
        """
        self._in_flight = in_flight
        self._lock = threading.Lock()
        self.session = build(threads)
        twice = in_flight is not None and threads > 1
        self._lean = None if twice else self.session
        self._build: Callable[[int], Any] | None = build if twice else None

    def run(
        self, outputs: Sequence[str], inputs: Mapping[str, NDArray[Any]]
    ) -> list[NDArray[np.generic]]:
        """As `InferenceSession.run`; the answer does not depend on the number of threads."""
        alone = self._in_flight is None or self._in_flight.alone
        session = self.session if alone else self._of_one_thread()
        return list(session.run(outputs, inputs))

    def give_back(self, outputs: Sequence[str], inputs: Mapping[str, NDArray[Any]]) -> None:
        """Give back what ONNX Runtime keeps of larger runs, of any session: they share an arena.

        Args:
            outputs, inputs: of a small run, after which it is done.
        """
        options = ort.RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        self.session.run(outputs, inputs, options)

    def _of_one_thread(self) -> Any:
        # Not at the start: `classic`, which few ask for, would take 120 MB more.
        with self._lock:
            if self._lean is None and self._build is not None:
                self._lean = self._build(1)
                self._build = None
            return self._lean
