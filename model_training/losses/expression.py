"""The loss of `photo` that asks the meter whether an output looks neutral."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_training.networks.meter import BLENDSHAPE_NAMES, METER_SIZE, QUANTITIES, MeterNet

_SLACK = 0.25
"""Deviations above the calm faces' mean up to which a reading counts as neutral."""
_MIN_SCALE = 0.06
"""A blendshape that hardly ever moves must not outweigh the others."""


def _importance(name: str) -> float:
    """Mouths tell most. Eyes differ between people at rest, so they count less."""
    if name == "_neutral" or name.startswith("eyeLook"):
        return 0.0
    if name.startswith("eye"):
        return 0.5
    return 0.7 if name.startswith("brow") else 1.0


class ExpressionLoss(nn.Module):
    """How far the meter's readings of a face exceed those of calm faces.

    A hinge: what is as calm as real neutral photographs are costs nothing, so that nothing is
    gained by a face calmer than life. The meter must be another one than the service reports with.
    """

    def __init__(self, meter: MeterNet, calm: Tensor) -> None:
        """Learn what calm is.

        Args:
            meter: reads the outputs; its weights stay as they are.
            calm: real neutral crops [N, 3, S, S] in [-1, 1].
        """
        super().__init__()
        self.meter = meter.eval().requires_grad_(False)
        weights = torch.tensor([1.0, 1.0, 0.7, *(_importance(name) for name in BLENDSHAPE_NAMES)])
        with torch.no_grad():
            found = torch.cat([self.read(part) for part in calm.split(64)])
        spread = found.std(0)
        limit = found.mean(0) + _SLACK * spread
        eyes = QUANTITIES.index("eye_opening")
        # Eyes must be open rather than shut: the one reading that may be too small.
        sign = torch.ones(len(limit))
        sign[eyes] = -1.0
        limit[eyes] = found[:, eyes].mean() - spread[eyes]
        self.register_buffer("weights", weights / weights.sum())
        self.register_buffer("limit", limit)
        self.register_buffer("sign", sign)
        self.register_buffer("scale", meter.scale.clamp_min(_MIN_SCALE))

    def read(self, crops: Tensor) -> Tensor:
        """Crops [B, 3, S, S] -> quantities and blendshapes, [B, 55]."""
        small = F.interpolate(crops, size=(METER_SIZE, METER_SIZE), mode="area")
        return torch.cat(self.meter(small), 1)

    def forward(self, crops: Tensor) -> Tensor:
        """Weighted mean excess in deviations of the meter's labels; 0 for calm faces."""
        excess = F.relu((self.read(crops) - self.limit) * self.sign) / self.scale
        return (excess * self.weights).sum(1).mean()
