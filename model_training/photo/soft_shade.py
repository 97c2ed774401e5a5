"""Shade without texture: light is added to the photograph, its moles and stubble stay.

Where the change is small the network uses shade to cancel whatever it cannot place exactly: a
mole, stubble, pores, at the finest scale it sees. Averaged over a few pixels only the light of
folds and cheeks is left. Where shade is strong it draws something (the line between lips that
close over teeth), and stays sharp.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from model_training.photo.network import PhotoMaps
from model_training.photo.smoothing import smooth

WIDTH = 5
"""Shade is averaged over squares of this side, twice, in pixels of the 192 px window."""
WEAK, STRONG = 0.2, 0.35
"""Shade (grey range [-1, 1]) up to which it is averaged, and from which on it is not."""


def soft_shade(maps: PhotoMaps) -> PhotoMaps:
    """The maps with shade averaged where it is weak."""
    shade = maps.shade
    strength = smooth(shade.abs().amax(1, keepdim=True), 3, 2)
    # Around what is drawn, too: its edges are weak.
    strength = F.max_pool2d(strength, WIDTH, 1, WIDTH // 2)
    drawn = ((strength - WEAK) / (STRONG - WEAK)).clamp(0, 1)
    # What is drawn is no part of the average: it would get a halo.
    weight = 1 - drawn
    light, known = smooth(torch.cat([shade * weight, weight], 1), WIDTH, 2).split([3, 1], 1)
    return maps._replace(shade=drawn * shade + weight * (light / known.clamp_min(1e-3)))
