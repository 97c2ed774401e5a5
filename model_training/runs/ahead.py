"""The next step's batch, made while a step runs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

import numpy as np
import torch

Batch = TypeVar("Batch")


class Ahead(Generic[Batch]):
    """Makes the batch of the step after the one that is taken, in a thread.

    A batch depends on the seed and the step alone, so that a run that was stopped goes on with the
    same batches.
    """

    def __init__(self, make: Callable[[np.random.Generator], Batch], seed: int) -> None:
        self._draw, self._seed = make, seed
        # One torch thread: the other cores are busy with the step.
        self._pool = ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,))
        self._next: tuple[int, Future[Batch]] | None = None

    def _make(self, step: int) -> Batch:
        return self._draw(np.random.default_rng([self._seed, step]))

    def take(self, step: int) -> Batch:
        """The batch of `step`; that of the step after it is begun."""
        ready = self._next
        future = ready[1] if ready and ready[0] == step else self._pool.submit(self._make, step)
        taken = future.result()
        self._next = step + 1, self._pool.submit(self._make, step + 1)
        return taken

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(cancel_futures=True)
