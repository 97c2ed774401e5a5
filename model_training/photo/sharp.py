"""From the network's maps to the picture that is served: pixels kept sharp, lips that meet.

`render` is the same for training, differentiable and bilinear.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from model_training.photo.colour import without_colour
from model_training.photo.enlarging import enlarged
from model_training.photo.lips.place import PATCH_WIDTH, patch_of, with_patch
from model_training.photo.network import LINE_REACH, MAP_SIZE, WINDOW_SIZE, PhotoMaps
from model_training.photo.render import (
    DARKEST,
    GAP_COUNTS,
    Composed,
    compose,
    enlarge,
    fetch,
    light_in,
)

SHOWN_WIDTH, SHOWN_BLUR = 0.8, 3.0
"""Half width of the dark line between the lips: so many pixels of the window and so many of the
output. A small photograph has no line as thin as those that were trained on, and loses one when it
is put back."""
SHOWN_DARKEST = (0.5, 0.97, 0.93)
"""Share of its light that the line takes away at most, of red, green and blue. It is dark red
between lips, not grey: these bring the line's red, green and blue to those of true neutral
photographs (docs/experiments)."""
_FAR = math.exp(-((LINE_REACH / (SHOWN_WIDTH + SHOWN_BLUR)) ** 2))
"""What is left of the line, at most, where its map knows no greater distance: it is not shown."""
SEAM = 1.8
"""Pixels of the output over which the layers run into each other: no camera is sharper."""
_TOGETHER = 0.5
"""Pixels of the window that the layers' motions may differ by where lips were together before."""


def layered_flow(motion: Composed, side: int) -> Tensor:
    """The motion [B, 2, side, side] of the layer that each place belongs to."""
    parts = enlarged(torch.cat([motion.line, motion.lower, motion.upper], 1), side, side)
    line, lower, upper = parts.split([1, 2, 2], 1)
    return torch.where(line > 0, lower, upper)


def relit(window: Tensor, stops: Tensor) -> Tensor:
    """A window [B, 3, S, S] in [-1, 1] with so many stops of light more, [B, 1 or 3, h, w]."""
    return (window + 1) * enlarged(light_in(stops), *window.shape[-2:]) - 1


def fetch_sharp(image: Tensor, motion: Composed) -> Tensor:
    """Fetch a photograph's pixels from where they were.

    Green, which carries the detail, is fetched bicubically. Red and blue follow by what they differ
    from green, fetched bilinearly at half the size, as JPEG files keep colour (but at no less than
    192 px, where teeth would take the lips' colour): a bicubic fetch of all three would take most
    of the graph's time. Where nothing moves, all stay as they are.

    Args:
        image: [B, 3, S, S] RGB, S a multiple of 96.
        motion: as composed.
    """
    side = image.shape[-1]
    coarse = torch.sym_max(WINDOW_SIZE, side // 2)
    small = F.interpolate(image, size=(coarse, coarse), mode="bilinear", align_corners=False)
    tint = torch.cat([small[:, :1], small[:, 2:]], 1) - small[:, 1:2].expand(-1, 2, -1, -1)
    tint = fetch(tint, layered_flow(motion, coarse))
    flow = layered_flow(motion, side)
    moves = flow[:, :1].abs() + flow[:, 1:].abs() > 0
    red, green, blue = image.split(1, 1)
    green = fetch(green, flow, "bicubic")
    red, blue = (
        torch.where(moves, green + enlarge(offset, side), still)
        for offset, still in ((tint[:, :1], red), (tint[:, 1:], blue))
    )
    return torch.cat([red, green, blue], 1)


def finish_mouth(mouth: Tensor, motion: Composed, crease: Tensor, coloured: Tensor) -> Tensor:
    """Darken the line along which the lips meet, and blur it over about a pixel of the picture.

    Cut within a pixel, it is sharper than anything else in a small photograph. Lips that were
    together are not blurred.

    Args:
        mouth: [B, 3, H, W], the mouth's patch of the warped and lit window, in [-1, 1].
        motion: as composed.
        crease: [B, 1, h, w].
        coloured: [B, 1, 1, 1], see `render_sharp`.
    """
    scale = mouth.shape[-1] // PATCH_WIDTH
    upper, lower, line, gap, crease = (
        patch_of(part, 1) for part in (motion.upper, motion.lower, motion.line, motion.gap, crease)
    )
    apart = (upper - lower).abs().sum(1, keepdim=True) * (WINDOW_SIZE / 2)
    met = (apart - _TOGETHER).clamp(0, 1)
    parts = enlarged(torch.cat([line * scale, met, gap, crease], 1), *mouth.shape[-2:])
    line, met, gap, crease = (parts[:, i : i + 1] for i in range(4))
    width = SHOWN_WIDTH * scale + SHOWN_BLUR
    profile = (torch.exp(-((line / width) ** 2)) - _FAR).clamp(min=0)
    darkest = torch.tensor(SHOWN_DARKEST, device=mouth.device).view(1, 3, 1, 1)
    darkest = without_colour(darkest, coloured)
    shadow = torch.maximum(profile * crease * darkest, DARKEST * GAP_COUNTS * gap)
    mouth = (mouth + 1) * (1 - shadow) - 1
    # The mean of 3 x 3 pixels, twice, as one convolution: ONNX Runtime takes longer to pool.
    tent = torch.tensor([1.0, 2.0, 3.0, 2.0, 1.0], device=mouth.device) / 9
    kernel = torch.outer(tent, tent).expand(3, 1, 5, 5)
    blurred = F.conv2d(F.pad(mouth, (2, 2, 2, 2), mode="replicate"), kernel, groups=3)
    share = met * torch.exp(-((line / SEAM) ** 2))
    return mouth + share * (blurred - mouth)


def render_sharp(
    image: Tensor,
    maps: PhotoMaps,
    amount: Tensor,
    coloured: Tensor | None = None,
    motion: Composed | None = None,
    stops: Tensor | None = None,
    paint: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """One warp whose two layers meet within a pixel, light, and the line between the lips.

    Args:
        image: [B, 3, S, S] RGB in [-1, 1], S a multiple of 96.
        maps: from `PhotoNet` on the 192 px copy of the same window.
        amount: [B, 1, h, w] in [0, 1], how much of the change is wanted where; where it is 0 the
            window stays as it is.
        coloured: [B, 1, 1, 1] in [0, 1], 0 for a black-and-white photograph: light and shadow then
            bring no colour into it. None is 1.
        motion: the maps' motion, composed with this `amount`, where the caller has it.
        stops: [B, 1 or 3, h, w], light to add; None is none.
        paint: what is done to the mouth's patch in the end; None is nothing.

    Returns:
        The window, float32 [B, 3, S, S] (not clamped).
    """
    if coloured is None:
        coloured = torch.ones(1, 1, 1, 1, device=image.device)
    motion = compose(maps, amount) if motion is None else motion
    warped = fetch_sharp(image, motion)
    lit = warped if stops is None else relit(warped, stops)
    unit = image.shape[-1] // MAP_SIZE
    # A mouth that closes half way has no line yet: it shows teeth.
    mouth = finish_mouth(patch_of(lit, unit), motion, maps.crease * amount**2, coloured)
    return with_patch(lit, mouth if paint is None else paint(mouth), unit)
