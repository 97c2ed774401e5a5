"""Shade without texture: light is added to the photograph, its moles and stubble stay.

Where the change is small the network uses shade to cancel whatever it cannot place exactly: a
mole, stubble, pores, at the finest scale it sees. Averaged over a few pixels only the light of
folds and cheeks is left. Where shade is strong it draws something (the line between lips that
close over teeth), and stays sharp.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from model_training.networks.photo import PhotoMaps

WIDTH = 5
"""Side of the window over which shade is averaged, twice, in pixels of the 192 px window."""
WEAK, STRONG = 0.2, 0.35
"""Shade (grey range [-1, 1]) up to which it is averaged, and from which on it is not."""


def _average(maps: Tensor, side: int) -> Tensor:
    return F.avg_pool2d(F.pad(maps, (side // 2,) * 4, mode="replicate"), side, 1)


def soft_shade(maps: PhotoMaps) -> PhotoMaps:
    """The maps with shade averaged where it is weak."""
    shade = maps.shade
    strength = _average(_average(shade.abs().amax(1, keepdim=True), 3), 3)
    # Around what is drawn, too: its edges are weak.
    strength = F.max_pool2d(strength, WIDTH, 1, WIDTH // 2)
    drawn = ((strength - WEAK) / (STRONG - WEAK)).clamp(0, 1)
    # What is drawn is no part of the average: it would get a halo.
    weight = 1 - drawn
    light = _average(_average(shade * weight, WIDTH), WIDTH)
    light = light / _average(_average(weight, WIDTH), WIDTH).clamp_min(1e-3)
    return maps._replace(shade=drawn * shade + weight * light)
