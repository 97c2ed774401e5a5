"""The lip line of a calm mouth, found in the photograph: landmarks lie a pixel beside it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_REACH = 3.0
"""Pixels above and below the landmarks' line among which the darkest is looked for."""
_STEPS = 13
_SURE = 3.0
"""How much the darkest outweighs the others: an exponent over the spread of the light there."""
_SMOOTH = 4.0
"""Deviation in pixels along the line over which its columns agree."""


def on_the_dark(picture: Tensor, line: Tensor, aside: Tensor) -> Tensor:
    """The signed distance to the darkest line near the landmarks' one.

    A network that is told where the line lies draws it sharply only if the photographs that it
    learns from have it there.

    Args:
        picture: [N, 3, H, W] RGB, lips closed.
        line: [N, 1, H, W], signed vertical distance to the landmarks' line, pixels.
        aside: [N, 1, H, W], how far beyond the corners of the mouth, pixels; inside negative.

    Returns:
        [N, 1, H, W].
    """
    height, width = picture.shape[-2:]
    off = torch.linspace(-_REACH, _REACH, _STEPS, device=picture.device).view(1, -1, 1)
    rows = (off - line[:, 0, :1] + 0.5) * (2 / height) - 1
    columns = (torch.arange(width, device=picture.device) + 0.5) * (2 / width) - 1
    grid = torch.stack([columns.expand_as(rows), rows], -1)
    light = F.grid_sample(
        picture.mean(1, keepdim=True), grid, padding_mode="border", align_corners=False
    )[:, 0]
    spread = light.std((1, 2), keepdim=True).clamp(min=0.01)
    found = (torch.softmax(-_SURE * light / spread, 1) * off).sum(1, keepdim=True)
    # Columns agree with their neighbours; beyond the corners there is no line.
    trust = torch.sigmoid(-aside[:, 0, :1])
    reach = int(3 * _SMOOTH)
    steps = torch.arange(-reach, reach + 1, device=picture.device)
    kernel = torch.exp(-((steps / _SMOOTH) ** 2) / 2).view(1, 1, -1)
    both = F.conv1d(torch.cat([found * trust, trust]), kernel, padding=reach)
    weighted, weight = both.chunk(2)
    moved = weighted / weight.clamp(min=0.1)
    return line - moved[:, :, None]
