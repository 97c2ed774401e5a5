"""Lips are hidden between the corners of the mouth, and better in a soft photograph."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from model_training.photo.lips.hiding import LEAST, hidden, hides, how_soft
from model_training.photo.lips.network import LipPainter, paint_lips
from model_training.photo.lips.place import (
    PATCH_HEIGHT,
    PATCH_LEFT,
    PATCH_TOP,
    PATCH_WIDTH,
    where_lips_met,
)
from model_training.photo.network import LINE_REACH, MAP_SIZE, MAP_STEP, WINDOW_SIZE
from model_training.photo.render import Composed

MAPS = (PATCH_HEIGHT // MAP_STEP, PATCH_WIDTH // MAP_STEP)
LINE_ROW, CORNERS = 66.0, (34, 62)
"""Of the motion below, in values of the maps."""


def closing() -> Composed:
    """A mouth that closes by 12 px of the window in its middle, along a known line."""
    x, y = torch.arange(MAP_SIZE).float(), torch.arange(MAP_SIZE).float()
    middle, half = sum(CORNERS) / 2, (CORNERS[1] - CORNERS[0]) / 2
    # Three tenths of the most at the corners, and less beyond: networks do not end at once.
    profile = torch.exp2(-((x - middle).abs() / half) * 1.737)
    upper = torch.zeros(1, 2, MAP_SIZE, MAP_SIZE)
    lower = upper.clone()
    lower[:, 1] = (12 * profile * 2 / WINDOW_SIZE).expand(MAP_SIZE, -1)
    line = ((y - LINE_ROW) * MAP_STEP).clamp(-LINE_REACH, LINE_REACH)
    line = line.view(1, 1, -1, 1).expand(1, 1, -1, MAP_SIZE)
    return Composed(upper, lower, line, upper[:, :1])


def test_the_distance_to_the_line_is_known_all_over_the_patch() -> None:
    distance, _ = where_lips_met(closing())
    assert distance.shape == (1, 1, *MAPS)
    rows = torch.arange(MAPS[0]).float() + PATCH_TOP / MAP_STEP
    expected = ((rows - LINE_ROW) * MAP_STEP).view(1, 1, -1, 1).expand_as(distance)
    assert expected.abs().max() > 2 * LINE_REACH, "the map itself says 10 everywhere there"
    assert torch.allclose(distance, expected, atol=0.2)


def test_the_mouth_ends_at_its_corners() -> None:
    _, columns = where_lips_met(closing())
    left, right = (corner - PATCH_LEFT // MAP_STEP for corner in CORNERS)
    assert 0.3 < columns[0, 0, 0, left] < 0.7
    assert 0.3 < columns[0, 0, 0, right] < 0.7
    assert columns[0, 0, 0, left + 5 : right - 5].min() == 1
    assert columns[0, 0, 0, : left - 8].max() == 0
    still = closing()._replace(lower=closing().upper)
    assert where_lips_met(still)[1].max() == 0, "what does not close has no corners"


def test_more_is_hidden_below_the_line_than_above_it() -> None:
    distance = torch.arange(-24.0, 24.0).view(1, 1, -1, 1).expand(1, 1, -1, MAPS[1])
    share = hides(distance, torch.ones(1, 1, 1, MAPS[1]))[0, 0, :, 0]
    assert share[24 - 10 : 24 + 14].min() == 1, "a lower lip is thicker"
    assert share[: 24 - 16].max() == 0
    assert share[24 + 19 :].max() == 0
    assert not hides(distance, torch.zeros(1, 1, 1, MAPS[1])).any()


def stripes() -> Tensor:
    """Rows that are bright and dark by turns."""
    rows = (torch.arange(PATCH_HEIGHT) % 2).float().view(1, 1, -1, 1)
    return rows.expand(2, 3, -1, PATCH_WIDTH) - 0.5


def test_each_mouth_has_its_own_blur() -> None:
    mouths, share = stripes(), torch.ones(2, 1, *MAPS)
    share[..., : MAPS[0] // 2, :] = 0
    deviation = torch.tensor([0.05, 2.5]).view(2, 1, 1, 1)
    seen = hidden(mouths, share, deviation)
    assert torch.allclose(seen[0], mouths[0], atol=1e-5), "next to no blur is none"
    assert torch.equal(seen[1, :, :40], mouths[1, :, :40]), "what is not hidden stays"
    assert seen[1, :, 56:90].abs().max() < 0.01, "stripes are gone"


@torch.no_grad()
def test_what_is_drawn_takes_the_place_of_what_was_hidden() -> None:
    new = LipPainter().eval()  # It takes what it sees for right.
    amount, coloured = torch.ones(1, 1, MAP_SIZE, 1), torch.ones(1, 1, 1, 1)
    mouth = stripes()[:1]
    row, left = int(LINE_ROW * MAP_STEP) - PATCH_TOP, []
    for soft in (1.0, 0.2, LEAST):
        much = torch.full((1, 1, 1, 1), soft)
        painted = paint_lips(new, mouth, closing(), amount, coloured, much)
        left.append(float(painted[0, 0, row - 4 : row + 4, 64].std()))
    assert left[0] < 0.1 < left[1] < left[2], "a sharp photograph keeps its lips"
    assert left[2] > 0.5, "of 0.53"


def photograph(blur: float) -> Tensor:
    """A window with detail of every size, as a lens that blurs over so many pixels shows it."""
    draw = np.random.default_rng(0)
    sizes = (
        cv2.resize(draw.random((n, n)), (192, 192), interpolation=cv2.INTER_CUBIC)
        for n in (24, 48, 96, 192)
    )
    scene = sum(sizes)
    seen = cv2.GaussianBlur(np.asarray(scene), (0, 0), blur) if blur else np.asarray(scene)
    return torch.from_numpy(seen / 4 - 0.5).float().expand(1, 3, -1, -1)


def test_soft_photographs_are_told_from_sharp_ones() -> None:
    shares = [float(how_soft(photograph(blur))) for blur in (0, 1.0, 2.0, 3.0)]
    assert shares[0] == shares[1] == pytest.approx(LEAST)
    assert shares[2] == shares[3] == 1
    soft = photograph(2.0)
    assert how_soft(0.3 * soft - 0.4) == 1, "in the dark as well"
    both = how_soft(torch.cat([soft, photograph(0)]))
    assert both.flatten().tolist() == pytest.approx([1, LEAST])
    assert torch.isfinite(how_soft(torch.zeros(1, 3, 192, 192))).all()
