"""Calm mouths made to look as if a laugh had been moved back: what the lip painter learns to undo.

Pairs of one person, laughing and calm, are studio portraits of few people, and rendered laughs
stretch lips that keep all of their colour. So real calm mouths are spoilt: lips thinner, paler,
softer, and over them the line that is served.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model_training.photo.colour import coloured, without_colour
from model_training.photo.lips.place import PATCH_HEIGHT, PATCH_WIDTH
from model_training.photo.sharp import SHOWN_BLUR, SHOWN_DARKEST, SHOWN_WIDTH

THINNEST = 0.2
"""Share of its height that a lip keeps at least."""
PALEST = 0.97
"""Share of the way to the skin's colour that a lip goes at most."""
HIDDEN_PALE, HIDDEN_KEEPS = 0.2, 0.9
"""Lips that are hidden well go so far towards the skin's colour at least, and keep so much of their
height at most. Of laughs of LFW, moved shut, lips have half of the red of the same people's calm
ones (3.0 of 5.8 in CIELAB's a* over the cheeks), in studio portraits all of it (7.9 of 8.0)."""
_SOFTEST = 2.0
_SKIN_BEGINS, _SKIN_ENDS = 12.0, 22.0
"""Pixels from the lip line between which there is the skin that lips become like."""


class Mouths(NamedTuple):
    """Calm mouths.

    Attributes:
        picture: [N, 3, 96, 128] RGB in [-1, 1].
        line: [N, 1, 96, 128], signed distance to the lip line, pixels; positive below it.
        aside: [N, 1, 96, 128], how far beyond the corners of the mouth, pixels; inside negative.
        thickness: [N, 2], of the upper and the lower lip in their middle, pixels.
    """

    picture: Tensor
    line: Tensor
    aside: Tensor
    thickness: Tensor


def _drawn(low: float, high: float, count: int, rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.uniform(low, high, (count, 1, 1, 1)).astype(np.float32))


def _of_either(line: Tensor, upper: Tensor, lower: Tensor) -> Tensor:
    """[N, 1, H, W]: what is said of the upper lip above the line, and of the lower one below it."""
    return torch.where(line < 0, upper, lower)


def thinned(mouths: Mouths, keep: Tensor) -> Tensor:
    """The picture with its lips drawn together towards the line.

    Args:
        mouths: calm.
        keep: [N, 1, H, W] in (0, 1], share of its height that the lip at this place keeps.
    """
    line, height = mouths.line, _of_either(mouths.line, *_heights(mouths))
    reach = torch.exp(-((line / (1.5 * height)) ** 2)) * _between_corners(mouths)
    further = line * (1 / keep - 1) * reach
    y, x = (
        (torch.arange(side, dtype=torch.float32) + 0.5) * (2 / side) - 1
        for side in (PATCH_HEIGHT, PATCH_WIDTH)
    )
    rows = y.view(1, -1, 1) + further[:, 0] * (2 / PATCH_HEIGHT)
    grid = torch.stack([x.view(1, 1, -1).expand_as(rows), rows], -1)
    return F.grid_sample(mouths.picture, grid, padding_mode="border", align_corners=False)


def faded(picture: Tensor, mouths: Mouths, amount: Tensor) -> Tensor:
    """The picture with its lips drawn towards the skin above and below them.

    Args:
        picture: [N, 3, H, W].
        mouths: whose picture it is.
        amount: [N, 1, H, W] in [0, 1], how far the lip at this place goes.
    """
    away = mouths.line.abs()
    skin = ((away > _SKIN_BEGINS) & (away < _SKIN_ENDS) & (mouths.aside < 4)).float()
    everywhere = (picture * skin).sum((2, 3), keepdim=True) / skin.sum((2, 3), keepdim=True).clamp(
        min=1
    )
    enough = skin.sum(2, keepdim=True)
    of_column = (picture * skin).sum(2, keepdim=True) / enough.clamp(min=1)
    colour = torch.where(enough > 3, of_column, everywhere)
    height = _of_either(mouths.line, *_heights(mouths))
    on_lips = torch.exp(-((mouths.line / (1.3 * height)) ** 2)) * _between_corners(mouths)
    return picture + amount * on_lips * (colour - picture)


def softened(picture: Tensor, mouths: Mouths, row: int, deviation: float, across: bool) -> Tensor:
    """One picture [1, 3, H, W] of them, blurred near the line: up and down, or `across` as well."""
    reach = int(3 * deviation) + 1
    steps = torch.arange(-reach, reach + 1, dtype=torch.float32)
    weights = torch.exp(-((steps / deviation) ** 2) / 2)
    weights = weights / weights.sum()
    beside = weights if across else (steps == 0).float()
    kernel = torch.outer(weights, beside).expand(3, 1, -1, -1)
    own = picture[row : row + 1]
    blurred = F.conv2d(F.pad(own, (reach,) * 4, mode="replicate"), kernel, groups=3)
    line, between = mouths.line[row : row + 1], _between_corners(mouths)[row : row + 1]
    return own + torch.exp(-((line / 12) ** 2)) * between * (blurred - own)


def lined(picture: Tensor, mouths: Mouths, dark: Tensor, ratio: Tensor) -> Tensor:
    """The picture with the line between the lips as it is served, see `sharp.finish_mouth`.

    Args:
        picture: [N, 3, H, W].
        mouths: whose picture it is.
        dark: [N, 1, 1, 1] in [0, 1].
        ratio: [N, 1, 1, 1], side of the crop over 256.
    """
    width = SHOWN_WIDTH + SHOWN_BLUR / ratio
    profile = torch.exp(-((mouths.line / width) ** 2)) * _between_corners(mouths)
    darkest = torch.tensor(SHOWN_DARKEST).view(1, 3, 1, 1)
    darkest = without_colour(darkest, coloured(mouths.picture))
    return (picture + 1) * (1 - profile * dark * darkest) - 1


def spoilt(mouths: Mouths, hidden: Tensor, rng: np.random.Generator) -> Tensor:
    """The mouths with lips as thin, pale and soft as chance has it, [N, 3, H, W].

    Args:
        mouths: calm.
        hidden: [N, 1, 1, 1] in [0, 1], how far their lips are going to be. Of a laugh in a soft
            photograph hardly any lip is left as it was.
        rng: chance.
    """
    count, line = len(mouths.picture), mouths.line
    least, most = HIDDEN_PALE * hidden, 1 - (1 - HIDDEN_KEEPS) * hidden
    keep = [THINNEST + (most - THINNEST) * _drawn(0, 1, count, rng) for _ in range(2)]
    picture = thinned(mouths, _of_either(line, *keep))
    pales = [least + (1.05 - least) * _drawn(0, 1, count, rng) for _ in range(2)]
    pale = _of_either(line, *pales)
    picture = faded(picture, mouths, pale.clamp(max=PALEST))
    for row in np.flatnonzero(rng.random(count) < 0.6):
        deviation, across = float(rng.uniform(0.6, _SOFTEST)), bool(rng.random() < 0.5)
        picture[row] = softened(picture, mouths, int(row), deviation, across)[0]
    grown = (rng.random((count, 1, 1, 1)) < 0.75).astype(np.float32)
    dark = torch.from_numpy(grown) * _drawn(0.1, 0.9, count, rng)
    ratio = torch.from_numpy(rng.choice([1, 1, 2, 3, 4], (count, 1, 1, 1)).astype(np.float32))
    return lined(picture, mouths, dark, ratio)


def _heights(mouths: Mouths) -> tuple[Tensor, Tensor]:
    upper, lower = mouths.thickness.clamp(min=3.0).view(-1, 2, 1, 1, 1).unbind(1)
    return upper, lower


def _between_corners(mouths: Mouths) -> Tensor:
    return torch.sigmoid(-mouths.aside / 3)
