"""Painted lips no redder than the photograph's own: the network likes magenta between them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_training.photo.network import WINDOW_SIZE
from model_training.photo.smoothing import smooth
from model_training.portraits.luma import LUMA

_TOP, _LEFT, _RIGHT = 96, 44, 148
"""Where the mouth may be, in pixels of the window; it begins below the nose."""
_FADE = 10
_SPOT = 5
"""Side of the spots that are averaged before the reddest is taken: a pimple is no lip."""


def _region() -> Tensor:
    """[1, 1, 192, 192]: 1 where the mouth may be, fading at the border."""
    line = torch.arange(WINDOW_SIZE, dtype=torch.float32) + 0.5
    rows = ((line - _TOP) / _FADE).clamp(0, 1)
    columns = (torch.minimum(line - _LEFT, _RIGHT - line) / _FADE).clamp(0, 1)
    return (rows[:, None] * columns[None])[None, None]


class LipColour(nn.Module):
    """Says how much colour each pixel of an output keeps.

    Redness is the red channel less the luma. The limit of a face is its reddest spot in the
    photograph, smile and all, so lipstick stays; a pixel that was redder than that before stays,
    too.
    """

    region: Tensor
    luma: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("region", _region())
        self.register_buffer("luma", torch.tensor(LUMA).view(1, 3, 1, 1))

    def redness(self, image: Tensor) -> Tensor:
        """[B, 3, H, W] in [-1, 1] -> [B, 1, H, W]."""
        return image[:, :1] - (image * self.luma).sum(1, keepdim=True)

    def forward(self, seen: Tensor, window: Tensor, output: Tensor) -> Tensor:
        """The share of its colour that each pixel keeps, [B, 1, S, S] in [0, 1].

        Args:
            seen: the window at 192 px, [B, 3, 192, 192] in [-1, 1].
            window: the window at its own size, [B, 3, S, S].
            output: what was made of it, same shape.
        """
        spots = smooth(self.redness(seen), _SPOT, 1)
        limit = (spots * self.region).amax((1, 2, 3), keepdim=True)
        allowed = torch.maximum(limit, self.redness(window))
        red = self.redness(output)
        share = (allowed / red.clamp_min(1e-3)).clamp(0, 1)
        side = output.shape[-1]
        here = F.interpolate(self.region, size=(side, side), mode="bilinear", align_corners=False)
        return 1 - here * (1 - share)
