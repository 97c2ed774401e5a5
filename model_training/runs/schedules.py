"""Loss weights and learning rates that change while training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from model_training.runs.log import plot_curves


@dataclass(frozen=True)
class LinearRamp:
    """A weight that is 0 until `start`, `maximum` from `end` on, and linear between.

    Attributes:
        maximum: the final weight.
        start: epoch at which it begins to rise; may be fractional, or negative so that the first
            epoch already has some weight.
        end: epoch at which it is reached.
    """

    maximum: float
    start: float
    end: float

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"the ramp ends ({self.end}) before it starts ({self.start})")

    def at(self, epoch: float) -> float:
        """The weight at `epoch` (fractional epochs count)."""
        if epoch >= self.end:
            return self.maximum
        if epoch <= self.start:
            return 0.0
        return self.maximum * (epoch - self.start) / (self.end - self.start)


@dataclass(frozen=True)
class WarmCosine:
    """A learning rate that rises to its height, then falls along half a cosine.

    Attributes:
        height: the learning rate without warm-up and fall.
        steps: of the whole run; the fall ends there.
        warm_up: steps in which it rises from nearly nothing.
        floor: share of the height that is left at the end.
    """

    height: float
    steps: int
    warm_up: int
    floor: float

    def at(self, step: int) -> float:
        """The rate at step 0, 1, ..."""
        warm = min(1.0, (step + 1) / self.warm_up)
        fall = 0.5 * (1 + np.cos(np.pi * min(1.0, step / self.steps)))
        return float(self.height * warm * (self.floor + (1 - self.floor) * fall))

    def set(self, optimizer: torch.optim.Optimizer, step: int) -> float:
        """Give every parameter group of the optimizer the rate at `step`, and return it."""
        rate = self.at(step)
        for group in optimizer.param_groups:
            group["lr"] = rate
        return rate


def plot_schedules(schedules: Mapping[str, LinearRamp], epochs: float, path: Path) -> Path:
    """Draw the weights over `epochs` epochs into a PNG; returns its path."""
    rows = [
        {"step": float(epoch), **{name: ramp.at(float(epoch)) for name, ramp in schedules.items()}}
        for epoch in np.linspace(0, epochs, 201)
    ]
    return plot_curves(rows, path, title="weights over epochs")
