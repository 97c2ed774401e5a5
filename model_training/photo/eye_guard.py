"""Closed eyes are not `photo`'s: its network cannot draw an iris, and must not smear one.

The network learned to paint where a closed eye would be open, and what it paints there is a dark
blur. Lids that are open in part come out well, with little paint. So an eye in which much would be
painted is left as it is, and so is one that the eye opener (`eye_opener.py`) takes over; that is
decided for each eye alone.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.faces.alignment import EYE_MIDPOINT, INTER_OCULAR
from model_training.photo.network import (
    CROP_SIZE,
    WINDOW_LEFT,
    WINDOW_SIZE,
    WINDOW_TOP,
    PhotoMaps,
)

LITTLE, MUCH = 0.04, 0.07
"""Mean change of an eye by paint and shade (grey range [-1, 1]) that is kept, and that is not.

On 28 synthetic closing eyes of validation people all dark blurs were above 0.06 (looked at once).
"""
_MEASURED = (22.0, 15.0)
"""Half axes of the ellipse where the change is measured, in pixels of the window."""
_SUPPRESSED = (34.0, 24.0)
"""Half axes of the ellipse that is left as it is; it fades over its outer third."""


def _ellipses(half_axes: tuple[float, float]) -> Tensor:
    """[2, 1, 192, 192]: distance from either eye's centre, 1 on the ellipse."""
    line = torch.arange(WINDOW_SIZE, dtype=torch.float32) + 0.5
    y, x = torch.meshgrid(line, line, indexing="ij")
    row = EYE_MIDPOINT[1] * CROP_SIZE - WINDOW_TOP
    distances = []
    for side in (-0.5, 0.5):
        column = (EYE_MIDPOINT[0] + side * INTER_OCULAR) * CROP_SIZE - WINDOW_LEFT
        distances.append(
            (((x - column) / half_axes[0]) ** 2 + ((y - row) / half_axes[1]) ** 2).sqrt()
        )
    return torch.stack(distances)[:, None]


class EyeGuard(nn.Module):
    """Takes back what the network does to eyes that would have to be invented."""

    measured: Tensor
    suppressed: Tensor

    def __init__(self) -> None:
        super().__init__()
        inside = (_ellipses(_MEASURED) <= 1).float()
        self.register_buffer("measured", inside / inside.sum((1, 2, 3), keepdim=True))
        fading = ((1 - _ellipses(_SUPPRESSED)) * 3).clamp(0, 1)
        self.register_buffer("suppressed", fading)

    def forward(self, window: Tensor, maps: PhotoMaps, taken: Tensor | None = None) -> PhotoMaps:
        """The maps, less what they do to closed eyes.

        The flow goes, too: it makes room for what is painted, and alone it draws lashes out into
        strokes.

        Args:
            window: what the network saw, [B, 3, 192, 192] in [-1, 1].
            maps: its answer.
            taken: [2, B] in [0, 1], how far somebody else draws the right and the left eye.
        """
        change = maps.mask * (maps.paint - window) + (1 - maps.mask) * maps.shade
        amount = change.abs().mean(1, keepdim=True)
        keep = torch.ones_like(amount)
        for eye in range(2):
            painted = (amount * self.measured[eye]).sum((1, 2, 3), keepdim=True)
            excess = ((painted - LITTLE) / (MUCH - LITTLE)).clamp(0, 1)
            if taken is not None:
                excess = torch.maximum(excess, taken[eye].view(-1, 1, 1, 1))
            keep = keep * (1 - excess * self.suppressed[eye])
        factor = keep.shape[-1] // maps.flow.shape[-1]
        flow = maps.flow * F.avg_pool2d(keep, factor)
        return PhotoMaps(flow, maps.mask * keep, maps.paint, maps.shade * keep)
