"""The loss of `photo` that asks the meter whether an output looks neutral."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_training.meter.network import BLENDSHAPE_NAMES, METER_SIZE, MeterNet
from model_training.portraits.luma import LUMA

_SLACK = 0.25
"""Deviations above the calm faces' mean up to which a reading counts as neutral."""
_MIN_SCALE = 0.06
"""A blendshape that hardly ever moves must not outweigh the others."""


def _importance(name: str) -> float:
    """Mouths tell most. Looks are no expression, and no flow opens a closed eye."""
    if name.startswith("eyeSquint"):
        return 1.0
    if name == "_neutral" or name.startswith("eye"):
        return 0.0
    return 0.7 if name.startswith("brow") else 1.0


def _surely_expressive(name: str) -> float:
    """Brows and lids, of photographs without a neutral partner.

    Mouths are told by pairs alone: whoever asks for less than a smile, and not for the person's own
    mouth, gets lips that are drawn together.
    """
    return 1.0 if name.startswith(("brow", "eyeSquint")) else 0.0


class ExpressionLoss(nn.Module):
    """How far the meter's readings of a face exceed those of calm faces.

    A hinge: what is as calm as real neutral photographs are costs nothing, so that nothing is
    gained by a face calmer than life. It is asked about the grey picture, and callers let its
    gradient reach the flow alone: a network that may paint fools the meter with coloured smears
    instead of a calm face (seen after 1,000 steps).
    """

    luma: Tensor
    weights: Tensor
    excess_weights: Tensor
    limit: Tensor
    scale: Tensor

    def __init__(self, meter: MeterNet, calm: Tensor) -> None:
        """Learn what calm is.

        Args:
            meter: reads the outputs; its weights stay as they are.
            calm: real neutral crops [N, 3, S, S] in [-1, 1], on the meter's device.
        """
        super().__init__()
        self.meter = meter.eval().requires_grad_(False)
        importance = [0.0, 1.0, 0.0, *(_importance(name) for name in BLENDSHAPE_NAMES)]
        weights = torch.tensor(importance, device=calm.device)
        luma = torch.tensor(LUMA, device=calm.device).view(1, 3, 1, 1)
        self.register_buffer("luma", luma, persistent=False)
        with torch.no_grad():
            found = torch.cat([self.read(part) for part in calm.split(64)])
        spread = found.std(0)
        limit = found.mean(0) + _SLACK * spread
        self.register_buffer("weights", weights / weights.sum())
        surely = [0.0, 0.0, 0.0, *(_surely_expressive(name) for name in BLENDSHAPE_NAMES)]
        excess = torch.tensor(surely, device=calm.device)
        self.register_buffer("excess_weights", excess / excess.sum())
        self.register_buffer("limit", limit)
        self.register_buffer("scale", meter.scale.clamp_min(_MIN_SCALE))

    def read(self, crops: Tensor) -> Tensor:
        """Crops [B, 3, S, S] -> quantities and blendshapes, [B, 55]."""
        grey = (crops * self.luma).sum(1, keepdim=True)
        small = F.interpolate(grey, size=(METER_SIZE, METER_SIZE), mode="area")
        return torch.cat(self.meter(small.expand(-1, 3, -1, -1)), 1)

    def forward(self, crops: Tensor) -> Tensor:
        """Mean excess of brows and lids, in deviations of the meter's labels; 0 for calm faces."""
        excess = F.relu(self.read(crops) - self.limit) / self.scale
        return (excess * self.excess_weights).sum(1).mean()

    def error(self, crops: Tensor, neutral: Tensor) -> Tensor:
        """Weighted mean error of the readings against those of the true neutral faces.

        Squared up to a deviation of the meter's labels: what minimises a square is the mean, so
        that where a face leaves open how it looks at rest, outputs are as expressive as real
        neutral faces on average, neither half way there nor beyond.
        """
        with torch.no_grad():
            wanted = self.read(neutral)
        difference = F.smooth_l1_loss(
            self.read(crops) / self.scale, wanted / self.scale, reduction="none"
        )
        return (difference * self.weights).sum(1).mean()
