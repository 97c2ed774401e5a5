"""Joining the crops of several requests into one run of a model.

One run at a time; crops that arrive meanwhile wait and go together into the next run. The thread
whose turn it is runs the batch for all the others, so there is no thread of the batcher's own and
a lone request is not delayed. On the CPU, where a batch saves nothing, runs of single crops may go
side by side instead.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.errors import InferenceError

log = logging.getLogger(__name__)

Crops = NDArray[np.uint8]
Amounts = NDArray[np.float32]


@dataclass(slots=True, eq=False)
class _Ticket:
    crop: Crops
    strength: float
    regions: tuple[float, ...]
    neutral: Crops | None = None
    error: InferenceError | None = None

    @property
    def done(self) -> bool:
        return self.neutral is not None or self.error is not None


class MicroBatcher:
    """Thread-safe `submit` of single crops around a function that takes batches.

    Attributes:
        on_batch: told the size of every batch that ran.
        failures: runs that failed since the last one that did not.
    """

    def __init__(
        self,
        run: Callable[[Crops, Amounts, Amounts], Crops],
        max_batch: int = 8,
        delay_s: float = 0.0,
        parallel: int = 1,
    ) -> None:
        """Wrap a model.

        Args:
            run: uint8 [B, S, S, 3], float32 [B] and [B, R] -> uint8 [B, S, S, 3].
            max_batch: largest B.
            delay_s: how long a run that is not full waits for more crops of its size.
            parallel: runs at once; more than one only where nothing is joined.

        Raises:
            ValueError: `parallel` runs of batches.
        """
        self._run = run
        self._max_batch = max_batch
        self._delay_s = delay_s
        if parallel > 1 and max_batch > 1:
            raise ValueError("runs that join crops go one at a time")
        self._turn = threading.BoundedSemaphore(parallel)
        self._arrived = threading.Condition()
        self._waiting: dict[int, deque[_Ticket]] = {}
        self.on_batch: Callable[[int], None] = lambda _: None
        self.failures = 0

    @property
    def waiting(self) -> int:
        """Crops that no run has taken yet."""
        with self._arrived:
            return sum(len(queue) for queue in self._waiting.values())

    def submit(self, crop: Crops, strength: float, regions: tuple[float, ...] = ()) -> Crops:
        """One crop, uint8 [S, S, 3], to its neutral form; returns when its batch has run.

        Args:
            crop: the crop.
            strength: see `NeutralizerSession.run`.
            regions: R amounts, the same number in every call.

        Raises:
            InferenceError: the runtime failed.
        """
        ticket = _Ticket(crop, strength, regions)
        size = crop.shape[0]
        with self._arrived:
            self._waiting.setdefault(size, deque()).append(ticket)
            self._arrived.notify_all()
        with self._turn:
            if not ticket.done:  # nobody's batch has taken it along
                self._run_batch(self._gather(size, ticket))
        if ticket.neutral is None:
            raise ticket.error or InferenceError("The model gave no answer.")
        return ticket.neutral

    def _gather(self, size: int, own: _Ticket) -> list[_Ticket]:
        """The batch that `own` goes with, oldest first."""
        with self._arrived:
            queue = self._waiting[size]
            until = time.monotonic() + self._delay_s
            while len(queue) < self._max_batch and (left := until - time.monotonic()) > 0:
                self._arrived.wait(left)
            # Its own crop always: the others' threads wait for their turn anyway.
            queue.remove(own)
            others = [queue.popleft() for _ in range(min(len(queue), self._max_batch - 1))]
            return [own, *others]

    def _run_batch(self, batch: list[_Ticket]) -> None:
        crops = np.stack([ticket.crop for ticket in batch])
        strengths = np.array([ticket.strength for ticket in batch], np.float32)
        regions = np.array([ticket.regions for ticket in batch], np.float32)
        try:
            neutral = self._run(crops, strengths, regions)
        # ONNX Runtime raises unrelated types: out of memory, a lost device, a broken kernel.
        except Exception as error:
            self._failed(batch, error)
            return
        self.failures = 0
        self.on_batch(len(batch))
        for ticket, answer in zip(batch, neutral, strict=True):
            # A view would keep the whole batch in memory as long as the slowest answer.
            ticket.neutral = answer.copy() if len(batch) > 1 else answer

    def _failed(self, batch: list[_Ticket], error: Exception) -> None:
        if len(batch) > 1:  # perhaps only the batch was too large
            log.warning("a batch of %d failed, its crops run alone: %s", len(batch), error)
            for ticket in batch:
                self._run_batch([ticket])
            return
        self.failures += 1
        log.error("inference failed: %s", error)
        batch[0].error = InferenceError(f"The model could not be run ({type(error).__name__}).")
