"""Loss weights that change while training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

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


def plot_schedules(schedules: Mapping[str, LinearRamp], epochs: float, path: Path) -> Path:
    """Draw the weights over `epochs` epochs into a PNG; returns its path."""
    rows = [
        {"step": float(epoch), **{name: ramp.at(float(epoch)) for name, ramp in schedules.items()}}
        for epoch in np.linspace(0, epochs, 201)
    ]
    return plot_curves(rows, path, title="weights over epochs")
