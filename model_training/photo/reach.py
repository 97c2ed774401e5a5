"""How far the network's motion reaches: a calibration of its answers, fixed, of four numbers.

A network that is told displacements answers with their mean over all that a picture leaves open.
Photographs of other cameras leave open more than those it was trained on, so that brows, lids and
the corners of the mouth come to rest before they are calm. Lengthened guesses of their motion did
not teach it otherwise (docs/experiments/photo-1.3.0.md); the motion is lengthened itself.

The numbers were chosen on London's validation people and on people of LFW.
"""

from __future__ import annotations

import torch
from torch import Tensor

BROWS, EYES = 1.3, 1.2
"""What motion counts there, of both axes."""
CORNERS_ACROSS, CORNERS_DOWN = 0.95, 1.12
"""The same of cheeks and corners of the mouth, which would come out too narrow otherwise. Between
them 1: lips that close come together exactly, and would go past each other."""
_BROWS_END, _EYES_END = 102.0, 147.0
"""Rows of the 256 px crop at which one part of the face goes over into the next."""
_LIPS_END = 16.0
"""Pixels from the crop's middle at which lips go over into the corners of the mouth."""
_SOFT_ROWS, _SOFT = 3.0, 5.0
"""Pixels over which brows go over into eyes, and everything else."""


def reach(side: int, step: int, top: int) -> Tensor:
    """What the maps' motion is multiplied by, [1, 4, side, side]: across and down, of both layers.

    Args:
        side: of the maps.
        step: pixels of the crop from one value to the next.
        top: row of the crop at which the maps begin; their middle is the crop's.
    """
    line = torch.arange(side, dtype=torch.float32)
    row = (line * step + (step - 1) / 2 + top)[:, None]
    aside = ((line - (side - 1) / 2) * step).abs()[None]
    below = torch.sigmoid((row - _EYES_END) / _SOFT)
    brows = 1 - torch.sigmoid((row - _BROWS_END) / _SOFT_ROWS)
    upper = 1 + (BROWS - 1) * brows + (EYES - 1) * (1 - brows) * (1 - below)
    corners = below * torch.sigmoid((aside - _LIPS_END) / _SOFT)
    across, down = (upper + (by - 1) * corners for by in (CORNERS_ACROSS, CORNERS_DOWN))
    return torch.stack([across, down, across, down])[None]
