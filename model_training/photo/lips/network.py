"""The network that paints lips: motion alone cannot give back what a laugh has stretched away.

Lips that laugh are thin, pale and in part rolled in. Moved back they keep little of their colour,
and in a small photograph, where they are two or three pixels high, they look smeared. This network
looks at the mouth that `photo` has closed, its lips hidden as far as the photograph is soft, and
answers with light in stops for each pixel of the 256 px crop: it multiplies, so that finer texture
stays. A mouth that was shut before is left alone.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_training.photo.colour import without_colour
from model_training.photo.config import PatchNetConfig
from model_training.photo.enlarging import enlarged
from model_training.photo.lips.config import LIP_PAINTER
from model_training.photo.lips.hiding import DEVIATION, hidden, hides
from model_training.photo.lips.place import (
    PATCH_HEIGHT,
    PATCH_TOP,
    PATCH_WIDTH,
    how_open,
    patch_of,
    where_lips_met,
)
from model_training.photo.network import LINE_REACH, MAP_STEP
from model_training.photo.patch_net import STEP, PatchNet, evened
from model_training.photo.render import Composed, light_in

STOPS = 2.0
"""Light that is added or taken at most."""
_BLACK = 0.02
"""Light that is added before two lights are compared: those of black are noise."""


class LipPainter(PatchNet):
    """Lips as they are at rest, over lips that came together."""

    def __init__(self, config: PatchNetConfig = LIP_PAINTER) -> None:
        super().__init__(14, 3, (PATCH_HEIGHT, PATCH_WIDTH), config)
        # Start as the identity.
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(self, mouth: Tensor, line: Tensor, share: Tensor) -> Tensor:
        """Look at mouths.

        Args:
            mouth: patches [N, 3, 96, 128] RGB in [-1, 1], their lips hidden.
            line: [N, 1, 48, 64], signed distance to the lip line in pixels of the patch.
            share: [N, 1, 48, 64] in [0, 1], where lips are hidden, and how well: 1 is a blur of
                `DEVIATION`.

        Returns:
            Light in stops, float32 [N, 3, 96, 128] in [-2, 2]; fades out at the border.
        """
        mean, spread = evened(mouth)
        seen = F.pixel_unshuffle((mouth - mean) / spread, STEP)
        near = line.clamp(-LINE_REACH, LINE_REACH) / LINE_REACH
        stops, _ = self.paint(torch.cat([seen, near, share], 1))
        return torch.tanh(stops / STOPS) * STOPS * self.border


def relit(mouth: Tensor, stops: Tensor) -> Tensor:
    """Mouths [N, 3, H, W] in [-1, 1] with so many stops of light more (not clamped)."""
    return (mouth + 1) * light_in(stops) - 1


def paint_lips(
    painter: LipPainter,
    mouth: Tensor,
    motion: Composed,
    amount: Tensor,
    coloured: Tensor,
    soft: Tensor,
) -> Tensor:
    """The finished mouth with its lips painted.

    Args:
        painter: the network.
        mouth: [B, 3, 96 * ratio, 128 * ratio], moved and lit, in [-1, 1].
        motion: as composed.
        amount: [B, 1, 96, 1] in [0, 1], how much of the change is wanted where.
        coloured: [B, 1, 1, 1] in [0, 1], 0 for a black-and-white photograph.
        soft: [B, 1, 1, 1] in (0, 1], how far lips are hidden; see `how_soft`.
    """
    ratio = mouth.shape[-1] // PATCH_WIDTH
    blocks = mouth.reshape(mouth.shape[0], 3, PATCH_HEIGHT, ratio, PATCH_WIDTH, ratio)
    small = blocks.mean(dim=(3, 5))
    share = hides(*where_lips_met(motion))
    shown = hidden(small, share, DEVIATION * soft)
    painted = relit(shown, painter(shown, patch_of(motion.line, 1), share * soft))
    light, wanted_light = ((part + 1).clamp(min=0) + _BLACK for part in (small, painted))
    stops = torch.log2(wanted_light / light).clamp(-STOPS, STOPS)
    top, tall = PATCH_TOP // MAP_STEP, PATCH_HEIGHT // MAP_STEP
    rows = amount[..., top : top + tall, :]
    # As the line between the lips: a mouth that closes half way shows teeth, and no lips at rest.
    wanted = F.interpolate(rows**2, size=(PATCH_HEIGHT, 1), mode="bilinear", align_corners=False)
    stops = without_colour(stops * (wanted * how_open(motion)), coloured)
    gain = light_in(stops) - 1
    return mouth + (mouth + 1) * enlarged(gain, *mouth.shape[-2:])
