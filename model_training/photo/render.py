"""From the network's maps to the picture: two layers of the photograph that meet at the lip line.

All of it works at the photograph's own resolution: the maps are enlarged, and where the layers meet
is decided for each pixel of the output.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from app.faces.alignment import EYE_MIDPOINT
from model_training.photo.network import (
    CROP_SIZE,
    MAP_SIZE,
    MAP_STEP,
    WINDOW_SIZE,
    WINDOW_TOP,
    PhotoMaps,
)

SWITCH = 6.0
"""Pixels of the window by which the line gives way where one layer would fetch from the opening."""
CREASE_WIDTH = 1.1
"""Half width of the dark line between the lips, in pixels of the window."""
DARKEST = 0.65
"""Share of its light that the line takes away at most."""
GAP_COUNTS = 0.45
"""What the opening darkens of that: teeth become as dark as lips, not a hole."""
_STILL, _MOVES = 0.05, 0.25
"""Pixels of the window up to which motion is none, and from which on it is whole, when served."""
REGIONS = ("brows", "eyes", "mouth")
"""Parts of the face that can be left as they are, from above to below."""
_EYE_TOP, _EYE_BOTTOM = (-13.0, 8.0), (14.0, 16.0)
"""Where the eyes' region begins and ends, in pixels of the window below the eyes' centres, and over
how many it fades into its neighbour."""


def region_shares() -> Tensor:
    """What each place belongs to, [3, 1, 96, 1] in the order of `REGIONS`; they add up to 1."""
    row = (torch.arange(MAP_SIZE, dtype=torch.float32) + 0.5) * MAP_STEP
    row = row - (EYE_MIDPOINT[1] * CROP_SIZE - WINDOW_TOP)
    below_brows, below_eyes = (
        ((row - edge) / fade + 0.5).clamp(0, 1) for edge, fade in (_EYE_TOP, _EYE_BOTTOM)
    )
    shares = torch.stack([1 - below_brows, below_brows - below_eyes, below_eyes])
    return shares.view(3, 1, MAP_SIZE, 1)


def fetch(image: Tensor, flow: Tensor, mode: str = "bilinear") -> Tensor:
    """Fetch each pixel of `image` [B, C, H, W] from where `flow` [B, 2, H, W] points (float32).

    `mode` is `grid_sample`'s: bilinear for training; bicubic keeps more detail and costs more.
    """

    # float32 positions: in half precision a 1024 px grid could not name its own pixels.
    def centres(side: int) -> Tensor:
        steps = torch.arange(side, dtype=torch.float32, device=image.device)
        return (steps + 0.5) * (2.0 / side) - 1.0

    height, width = image.shape[-2:]
    grid_x = centres(width).view(1, 1, width) + flow[:, 0]
    grid_y = centres(height).view(1, height, 1) + flow[:, 1]
    return F.grid_sample(
        image.float(),
        torch.stack([grid_x, grid_y], -1),
        mode=mode,
        padding_mode="border",
        align_corners=False,
    )


def enlarge(maps: Tensor, side: int) -> Tensor:
    """Maps [B, C, h, w] at [B, C, side, side], bilinear."""
    return F.interpolate(maps, size=(side, side), mode="bilinear", align_corners=False)


class Composed(NamedTuple):
    """Both layers' motion put together, at the maps' resolution.

    Attributes:
        upper: [B, 2, h, w], see `PhotoMaps`.
        lower: [B, 2, h, w].
        line: [B, 1, h, w], moved to where neither layer fetches teeth.
        gap: [B, 1, h, w] in [0, 1], what is fetched from the opening all the same.
    """

    upper: Tensor
    lower: Tensor
    line: Tensor
    gap: Tensor


def compose(maps: PhotoMaps, amount: Tensor | None = None) -> Composed:
    """Scale the motion and let each layer keep clear of the opening.

    Args:
        maps: from `PhotoNet`.
        amount: [B, 1, 1 or h, 1 or w] in [0, 1], how much of the change is wanted where; None is
            all of it. A mouth that closes half way shows its teeth.
    """
    upper, lower = maps.upper, maps.lower
    share = upper.new_ones(()) if amount is None else amount
    upper, lower = upper * share, lower * share
    opening = maps.opening.detach()
    above, below = fetch(opening, upper), fetch(opening, lower)
    line = maps.line + SWITCH * share * (above - below)
    beneath = torch.sigmoid(2.0 * line)
    return Composed(upper, lower, line, share * (beneath * below + (1 - beneath) * above))


def without_tremor(maps: PhotoMaps) -> PhotoMaps:
    """The maps without motion of fractions of a pixel: what hardly moves keeps its pixels.

    A network's answer is never zero. Where it says nothing, beside the face and on calm faces,
    fetching from a tenth of a pixel away changes every pixel and shows nothing.
    """
    both = torch.cat([maps.upper, maps.lower], 1)
    pixels = both.abs().amax(1, keepdim=True) * (WINDOW_SIZE / 2)
    share = ((pixels - _STILL) / (_MOVES - _STILL)).clamp(0, 1)
    return maps._replace(upper=maps.upper * share, lower=maps.lower * share)


def warp_softly(image: Tensor, motion: Composed) -> Tensor:
    """Both layers fetched and mixed across a pixel of the line: differentiable, for training."""
    side = image.shape[-1]
    upper, lower, line = (enlarge(part, side) for part in (motion.upper, motion.lower, motion.line))
    beneath = torch.sigmoid(3.0 * line)
    return (1 - beneath) * fetch(image, upper) + beneath * fetch(image, lower)


def darken(image: Tensor, crease: Tensor, line: Tensor, gap: Tensor | None = None) -> Tensor:
    """The line between the lips, laid on a warped window as training sees it.

    Args:
        image: [B, 3, S, S] RGB in [-1, 1], any S.
        crease: [B, 1, h, w], see `PhotoMaps`.
        line: [B, 1, h, w], as composed.
        gap: [B, 1, h, w], as composed.

    Returns:
        float32 [B, 3, S, S] (not clamped).
    """
    side = image.shape[-1]
    profile = torch.exp(-((enlarge(line, side) / CREASE_WIDTH) ** 2))
    shadow = profile * enlarge(crease, side)
    if gap is not None:
        shadow = torch.maximum(shadow, GAP_COUNTS * enlarge(gap, side))
    return (image + 1) * (1 - DARKEST * shadow) - 1


def light_in(stops: Tensor) -> Tensor:
    """How many times as much light so many stops are: as `exp2`, which ONNX has as a slow `Pow`."""
    return torch.exp(stops * math.log(2))


def render(image: Tensor, maps: PhotoMaps) -> Tensor:
    """Apply the maps to a window, differentiable in all of them.

    Args:
        image: [B, 3, S, S] RGB in [-1, 1], any S.
        maps: from `PhotoNet` on the 192 px copy of the same window.

    Returns:
        The moved window, float32 [B, 3, S, S] (not clamped).
    """
    motion = compose(maps)
    warped = warp_softly(image, motion)
    return darken(warped, maps.crease, motion.line, motion.gap)
