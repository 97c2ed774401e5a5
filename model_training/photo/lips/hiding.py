"""Lips are hidden from the network that paints them, as far as the photograph is soft.

What a laugh leaves of lips looks unlike anything that can be made of calm ones: shown as they are,
it takes them for thin lips of somebody else, and leaves them. Behind a blur both say the same,
about how dark and how red the lips are, and it has to draw them. A sharp photograph shows lips well
enough to keep them, and beside its skin drawn ones would be soft.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

DEVIATION = 2.0
"""Of the blur in pixels of the patch, at most: in soft photographs."""
LEAST = 0.02
"""Share of that which is next to nothing: a blur of no width cannot be reckoned."""
_SOFT, _SHARP = 0.545, 0.575
"""Detail of the face, see `how_soft`, up to which all is hidden and from which on nothing is. Of
364 photographs of LFW half lie below 0.542 and nine tenths below 0.561, of 15 studio portraits
reduced to 337 px nine tenths above 0.562. A slope without any detail has 0.5."""
_FACE = slice(32, 160)
"""Rows and columns of the window that show the face alone."""
_ABOVE, _BELOW = 10.0, 13.0
"""Pixels of the patch above and below the lip line up to which all is hidden: lips seldom reach
farther."""
_FADE = 6.0
"""Pixels over which the blur ends."""


def _lost(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures at half their size, and the mean size of what that loses, [B]."""
    # The mean of 2 x 2 pixels, in a way that ONNX Runtime is quick at.
    half = F.interpolate(pictures, scale_factor=0.5, mode="bilinear", align_corners=False)
    lost = (pictures - F.interpolate(half, scale_factor=2.0, mode="nearest")).abs()
    return half, lost.mean((1, 2, 3))


def how_soft(small: Tensor) -> Tensor:
    """How far lips are to be hidden, [B, 1, 1, 1] in [0.02, 1], of windows [B, 3, 192, 192].

    Measured by detail: what the face loses when it is halved, over what it loses when it is halved
    again. Contrast and brightness do not count, and a photograph of any size is seen at 192 px.
    """
    half, fine = _lost(small[..., _FACE, _FACE].mean(1, keepdim=True))
    _, coarse = _lost(half)
    detail = fine / coarse.clamp(min=1e-4)
    return ((_SHARP - detail) / (_SHARP - _SOFT)).clamp(LEAST, 1.0).view(-1, 1, 1, 1)


def hides(distance: Tensor, columns: Tensor) -> Tensor:
    """Where lips are hidden, [N, 1, h, w] in [0, 1].

    Args:
        distance: [N, 1, h, w], how far below the lip line, pixels of the patch.
        columns: [N, 1, 1, w] in [0, 1], what lies between the corners of the mouth.
    """
    beyond = torch.where(distance < 0, -distance - _ABOVE, distance - _BELOW)
    return (1 - beyond / _FADE).clamp(0, 1) * columns


def _blurred(mouth: Tensor, deviation: Tensor) -> Tensor:
    """Mouths [N, 3, H, W], blurred. Two products of matrices: each mouth can have its own blur."""

    def weights(side: int) -> Tensor:
        steps = torch.arange(side, dtype=torch.float32, device=mouth.device)
        found = torch.exp(-(((steps[:, None] - steps) / deviation) ** 2) / 2)
        return found / found.sum(-1, keepdim=True)

    height, width = mouth.shape[-2:]
    return weights(height) @ mouth @ weights(width).transpose(-1, -2)


def hidden(mouth: Tensor, share: Tensor, deviation: Tensor) -> Tensor:
    """Mouths whose lips are blurred.

    Args:
        mouth: [N, 3, 96, 128] RGB.
        share: [N, 1, 48, 64], see `hides`.
        deviation: [N, 1, 1, 1], of the blur in pixels of the patch, above 0.
    """
    share = F.interpolate(share, size=mouth.shape[-2:], mode="bilinear", align_corners=False)
    return mouth + share * (_blurred(mouth, deviation) - mouth)
