"""The light that a moved face lacks, from a pair.

The motion that is served errs by a pixel or two. Light must not hide that: so the neutral
photograph is first brought to where the served motion puts its skin, and then the two are divided.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model_training.photo.light.network import Moved, at_maps
from model_training.photo.losses import beyond_corners
from model_training.photo.network import WINDOW_SIZE
from model_training.photo.render import fetch
from model_training.portraits.luma import LUMA

_WIDE = 45
"""Values of the maps over which differences are no fold, but a turned head or the exposure."""
_DARK = 0.04
"""Light, of 1, that is added to both photographs: stops say nothing about what is black."""
_DEEPEST = 1.5
"""Stops that a fold takes at most; beyond is a beard, a strand of hair or a reflection."""
_ASTRAY = 8.0
"""Pixels of the window: motion that is farther off shows other skin."""
_RIM = 3
"""Values of the maps at the edge of what is known that teach nothing: across the face's outline the
two photographs differ by wall and skin, and light that learns it leaves a shadow on the wall."""
_ROUNDS = 4
_LIPS = 2.5
"""Pixels from the lip line within which darkness is the line's."""


def _wide(stops: Tensor, trust: Tensor) -> Tensor:
    """What is wider than a fold: means of `_WIDE` x `_WIDE` values, where they hold."""
    both = torch.cat([stops * trust, trust], 1)
    for kernel in ((_WIDE, 1), (1, _WIDE)):
        edge = (kernel[0] // 2, kernel[1] // 2)
        both = F.avg_pool2d(both, kernel, 1, edge, count_include_pad=False)
    return both[:, :1] / both[:, 1:].clamp_min(1e-3)


def off_line(line: Tensor, aside: Tensor) -> Tensor:
    """0 at a lip line, rising to 1 around it, [B, 1, h, w]; arguments as in `PhotoBatch`."""
    return 1 - torch.exp(-((line / _LIPS) ** 2)) * (1 - beyond_corners(aside))


def served_places(flow: Tensor, true: Tensor) -> Tensor:
    """Where in the neutral photograph the skin lies that the served motion shows at each place.

    A place x shows what the input has at x + flow(x). The neutral photograph shows the same at the
    y for which y + true(y) is there; y by fixed-point iteration.

    Args:
        flow: [B, 2, h, w] in `grid_sample` units.
        true: the same, known.

    Returns:
        y - x, [B, 2, h, w].
    """
    off = torch.zeros_like(flow)
    for _ in range(_ROUNDS):
        # Not interpolated: at the lip line the motion jumps.
        off = flow - fetch(true, off, "nearest")
    return off


def lacking(neutral: Tensor, moved: Moved, true: Tensor) -> tuple[Tensor, Tensor]:
    """Light that the neutral face has and the moved one lacks.

    Args:
        neutral: windows [B, 3, 192, 192] in [-1, 1].
        moved: the pairs' inputs after the served motion.
        true: [B, 3, 96, 96], known motion in pixels of the window, and trust.

    Returns:
        Stops [B, 1, 96, 96] without what is wider than a fold, and where they hold, [B, 1, 96, 96]
        in [0, 1]. Of brightness alone: a small photograph's colours are too coarse for a fold, and
        differ between two photographs more than shade does.
    """
    off = served_places(moved.flow, true[:, :2] * (2.0 / WINDOW_SIZE))
    near = off.abs().amax(1, keepdim=True) * (WINDOW_SIZE / 2) < _ASTRAY
    trust = fetch(true[:, 2:], off, "nearest") * near
    there = fetch(at_maps(neutral), off)
    luma = torch.tensor(LUMA, device=there.device).view(1, 3, 1, 1)

    def dimmed(face: Tensor) -> Tensor:
        brightness = (face * luma).sum(1, keepdim=True)
        return ((brightness + 1) / 2 + _DARK) * trust + 1e-4

    stops = torch.log2(dimmed(there) / dimmed(moved.face)).clamp(-_DEEPEST, _DEEPEST)
    within = 1 - F.max_pool2d(1 - trust, 2 * _RIM + 1, 1, _RIM)
    return (stops - _wide(stops, within)) * within, within
