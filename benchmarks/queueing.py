"""A discrete-event simulation of machines with workers and bounded queues.

Photographs arrive at random (Poisson), go to a machine, wait there for one of its workers in the
order of arrival, and are refused (429) when its queue is full: what `app.api.queue.WorkQueue` does,
on one machine or on many behind a balancer.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

Service = Callable[[random.Random], float]
"""Draws the seconds that a worker needs for a photograph."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """What serves.

    Attributes:
        machines: each with workers and a queue of its own.
        workers: photographs a machine works on at the same time.
        queue: photographs that may wait on a machine; further ones are refused.
        choices: machines that the balancer looks at; it takes the one with the least work. 1 is
            blind chance, 2 what Ray Serve does.
    """

    machines: int = 1
    workers: int = 1
    queue: int = 32
    choices: int = 2


@dataclass(frozen=True, slots=True)
class Seen:
    """What photographs met.

    Attributes:
        waits: seconds until a worker was free, ascending, of those that were accepted.
        refused: share of all that got 429.
        busy: share of the workers' time spent working.
    """

    waits: list[float]
    refused: float
    busy: float

    def wait(self, share: float) -> float:
        """Seconds that this share of the accepted waited at most; 0.95 for the 95th percentile."""
        return self.waits[min(len(self.waits) - 1, int(len(self.waits) * share))]


def simulate(
    fleet: Fleet, rate: float, service: Service, photographs: int = 100_000, seed: int = 0
) -> Seen:
    """Let photographs arrive.

    Args:
        fleet: what serves.
        rate: photographs a second, at all machines together.
        service: how long each takes.
        photographs: how many arrive; the first tenth fills the queues and is not counted.
        seed: of the random numbers; the same seed, the same outcome.
    """
    chance = random.Random(seed)
    free = [fleet.workers] * fleet.machines
    queues: list[deque[tuple[float, bool]]] = [deque() for _ in range(fleet.machines)]
    ends: list[tuple[float, int]] = []  # (when a worker is free again, its machine)
    waits: list[float] = []
    now = worked = refused = 0.0
    warm_up = photographs // 10
    counted_from = 0.0

    def begin(machine: int, at: float, arrived: float, counts: bool) -> None:
        nonlocal worked
        seconds = service(chance)
        heapq.heappush(ends, (at + seconds, machine))
        if counts:
            worked += seconds
            waits.append(at - arrived)

    for index in range(photographs):
        now += chance.expovariate(rate)
        counts = index >= warm_up
        if index == warm_up:
            counted_from = now
        while ends and ends[0][0] <= now:
            at, machine = heapq.heappop(ends)
            if queues[machine]:
                begin(machine, at, *queues[machine].popleft())
            else:
                free[machine] += 1
        looked_at = [chance.randrange(fleet.machines) for _ in range(fleet.choices)]
        machine = min(looked_at, key=lambda m: len(queues[m]) - free[m])
        if free[machine]:
            free[machine] -= 1
            begin(machine, now, now, counts)
        elif len(queues[machine]) < fleet.queue:
            queues[machine].append((now, counts))
        else:
            refused += counts
    span = (now - counted_from) * fleet.machines * fleet.workers
    return Seen(sorted(waits), refused / (photographs - warm_up), worked / span)
