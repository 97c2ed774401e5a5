"""The network that paints lips: motion alone cannot give back what a laugh has stretched away.

Lips that laugh are thin, pale and in part rolled in. Moved back they keep little of their colour,
and in a small photograph, where they are two or three pixels high, they look smeared. This network
looks at the mouth that `photo` has closed, and answers with light in stops for each pixel of the
256 px crop: it multiplies, so that texture stays. A mouth that was shut before is left alone.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_training.photo.config import PatchNetConfig
from model_training.photo.lips.config import LIP_PAINTER
from model_training.photo.network import (
    LINE_REACH,
    MAP_STEP,
    WINDOW_SIZE,
)
from model_training.photo.patch_net import STEP, PatchNet, evened
from model_training.photo.render import Composed, without_colour

PATCH_HEIGHT, PATCH_WIDTH = 96, 128
"""Size of a mouth's patch in pixels of the window: from the nose's base to the chin."""
PATCH_TOP, PATCH_LEFT = 84, 32
"""Where the patch begins in the window, in pixels."""
STOPS = 2.0
"""Light that is added or taken at most."""
_SHUT, _OPEN = 1.5, 4.0
"""Pixels of the window that the lips move towards each other, up to which a mouth is left as it is,
and from which on it is painted in full."""


class LipPainter(PatchNet):
    """Lips as they are at rest, over lips that came together."""

    def __init__(self, config: PatchNetConfig = LIP_PAINTER) -> None:
        super().__init__(13, 3, (PATCH_HEIGHT, PATCH_WIDTH), config)
        # Start as the identity.
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(self, mouth: Tensor, line: Tensor) -> Tensor:
        """Look at mouths.

        Args:
            mouth: patches [N, 3, 96, 128] RGB in [-1, 1].
            line: [N, 1, 48, 64], signed distance to the lip line in pixels of the patch.

        Returns:
            Light in stops, float32 [N, 3, 96, 128] in [-2, 2]; fades out at the border.
        """
        mean, spread = evened(mouth)
        seen = F.pixel_unshuffle((mouth - mean) / spread, STEP)
        near = line.clamp(-LINE_REACH, LINE_REACH) / LINE_REACH
        stops, _ = self.paint(torch.cat([seen, near], 1))
        return torch.tanh(stops / STOPS) * STOPS * self.border


def relit(mouth: Tensor, stops: Tensor) -> Tensor:
    """Mouths [N, 3, H, W] in [-1, 1] with so many stops of light more (not clamped)."""
    return (mouth + 1) * torch.exp2(stops) - 1


def patch_of(maps: Tensor, unit: int) -> Tensor:
    """The mouth's patch of a window or of its maps.

    Args:
        maps: [..., S, S].
        unit: S over 96.
    """
    top, left, height, width = (
        pixels // MAP_STEP * unit for pixels in (PATCH_TOP, PATCH_LEFT, PATCH_HEIGHT, PATCH_WIDTH)
    )
    return maps[..., top : top + height, left : left + width]


def how_open(motion: Composed) -> Tensor:
    """How far the mouth was open, [B, 1, 1, 1] in [0, 1]: lips that were together stay."""
    apart = patch_of((motion.upper - motion.lower).abs().sum(1, keepdim=True), 1)
    pixels = apart.amax((2, 3), keepdim=True) * (WINDOW_SIZE / 2)
    return ((pixels - _SHUT) / (_OPEN - _SHUT)).clamp(0, 1)


def paint_lips(
    painter: LipPainter,
    window: Tensor,
    ratio: int,
    motion: Composed,
    amount: Tensor,
    coloured: Tensor,
) -> Tensor:
    """The finished window with its lips painted.

    Args:
        painter: the network.
        window: [B, 3, S, S], moved and lit, in [-1, 1].
        ratio: S over 192.
        motion: as composed.
        amount: [B, 1, 96, 1] in [0, 1], how much of the change is wanted where.
        coloured: [B, 1, 1, 1] in [0, 1], 0 for a black-and-white photograph.
    """
    blocks = window.reshape(window.shape[0], 3, WINDOW_SIZE, ratio, WINDOW_SIZE, ratio)
    mouth = patch_of(blocks.mean(dim=(3, 5)), MAP_STEP)
    stops = painter(mouth, patch_of(motion.line, 1))
    top, tall = PATCH_TOP // MAP_STEP, PATCH_HEIGHT // MAP_STEP
    rows = amount[..., top : top + tall, :]
    # As the line between the lips: a mouth that closes half way shows teeth, and no lips at rest.
    wanted = F.interpolate(rows**2, size=(PATCH_HEIGHT, 1), mode="bilinear", align_corners=False)
    stops = without_colour(stops * (wanted * how_open(motion)), coloured)
    gain = torch.exp2(stops) - 1
    size = (PATCH_HEIGHT * ratio, PATCH_WIDTH * ratio)
    gain = F.interpolate(gain, size=size, mode="bilinear", align_corners=False)
    right = WINDOW_SIZE - PATCH_LEFT - PATCH_WIDTH
    beneath = WINDOW_SIZE - PATCH_TOP - PATCH_HEIGHT
    sides = [side * ratio for side in (PATCH_LEFT, right, PATCH_TOP, beneath)]
    return window + (window + 1) * F.pad(gain, sides)
