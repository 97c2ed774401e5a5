"""Where the mouth is: its patch of the window, and what the motion says of it."""

from __future__ import annotations

import torch
from torch import Tensor

from model_training.photo.network import MAP_STEP, WINDOW_SIZE
from model_training.photo.render import Composed

PATCH_HEIGHT, PATCH_WIDTH = 96, 128
"""Size of a mouth's patch in pixels of the window: from the nose's base to the chin."""
PATCH_TOP, PATCH_LEFT = 84, 32
"""Where the patch begins in the window, in pixels."""
_SHUT, _OPEN = 1.5, 4.0
"""Pixels of the window that the lips move towards each other, up to which a mouth is left as it is,
and from which on it is painted in full."""
_NEAR = 3.0
"""Pixels of the window on both sides of the lip line that count as the line."""
_LEAST = 0.5
"""Pixels of the window that the lips of a mouth that closes move towards each other at least."""
_CORNER, _INSIDE = 0.2, 0.4
"""Shares of the most that lips move towards each other, reached outside and inside of the corners:
0.3 lies at the corners themselves (mean over 104 mouths, off by 4 px)."""


def _rows_and_columns(unit: int) -> tuple[slice, slice]:
    top, left, height, width = (
        pixels // MAP_STEP * unit for pixels in (PATCH_TOP, PATCH_LEFT, PATCH_HEIGHT, PATCH_WIDTH)
    )
    return slice(top, top + height), slice(left, left + width)


def patch_of(maps: Tensor, unit: int) -> Tensor:
    """The mouth's patch of a window or of its maps.

    Args:
        maps: [..., S, S].
        unit: S over 96.
    """
    rows, columns = _rows_and_columns(unit)
    return maps[..., rows, columns]


def with_patch(picture: Tensor, mouth: Tensor, unit: int) -> Tensor:
    """A window [..., S, S] with another mouth, see `patch_of`."""
    rows, columns = _rows_and_columns(unit)
    beside = picture[..., rows, : columns.start], picture[..., rows, columns.stop :]
    middle = torch.cat([beside[0], mouth, beside[1]], -1)
    return torch.cat([picture[..., : rows.start, :], middle, picture[..., rows.stop :, :]], -2)


def _apart(motion: Composed) -> Tensor:
    """How far the layers move towards each other, pixels of the window, [B, 1, 48, 64]."""
    apart = patch_of((motion.upper - motion.lower).abs().sum(1, keepdim=True), 1)
    return apart * (WINDOW_SIZE / 2)


def how_open(motion: Composed) -> Tensor:
    """How far the mouth was open, [B, 1, 1, 1] in [0, 1]: lips that were together stay."""
    return ((_apart(motion).amax((2, 3), keepdim=True) - _SHUT) / (_OPEN - _SHUT)).clamp(0, 1)


def where_lips_met(motion: Composed) -> tuple[Tensor, Tensor]:
    """How far below the lip line each place of the patch lies, and which columns hold the mouth.

    The maps know the distance close to the line only, and beyond the corners there is none.

    Returns:
        [B, 1, 48, 64], pixels of the patch, and [B, 1, 1, 64] in [0, 1].
    """
    near = torch.exp(-((patch_of(motion.line, 1) / _NEAR) ** 2)) + 1e-6
    near = near / near.sum(2, keepdim=True)
    rows = torch.arange(near.shape[2], dtype=torch.float32, device=near.device).view(1, 1, -1, 1)
    distance = (rows - (near * rows).sum(2, keepdim=True)) * MAP_STEP
    met = (near * _apart(motion)).sum(2, keepdim=True)
    share = met / met.amax(3, keepdim=True).clamp(min=_LEAST)
    return distance, ((share - _CORNER) / (_INSIDE - _CORNER)).clamp(0, 1)
