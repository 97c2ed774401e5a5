"""Which light a moved face lacks."""

from __future__ import annotations

import pytest
import torch

from model_training.photo.light.network import Moved, at_maps
from model_training.photo.light.target import lacking, off_line, served_places
from model_training.photo.network import MAP_SIZE

PIXEL = 2 / 192
"""A pixel of the window in `grid_sample`'s unit."""


def known(down: float) -> torch.Tensor:
    """The same displacement in pixels everywhere, trusted everywhere, [1, 3, 96, 96]."""
    return torch.tensor([0.0, down, 1.0]).view(1, 3, 1, 1).repeat(1, 1, MAP_SIZE, MAP_SIZE)


def face() -> torch.Tensor:
    """Smooth noise, [1, 3, 192, 192] in [-1, 1]."""
    coarse = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0)) - 0.5
    return torch.nn.functional.interpolate(coarse, size=(192, 192), mode="bicubic")


def served(small: torch.Tensor, down: float) -> Moved:
    """A face that was moved by so many pixels everywhere."""
    flow = torch.zeros(1, 2, MAP_SIZE, MAP_SIZE)
    flow[:, 1] = down * PIXEL
    line = torch.full((1, 1, MAP_SIZE, MAP_SIZE), -10.0)
    return Moved(small, flow, torch.cat([flow, flow], 1), line)


def test_a_fold_is_the_light_that_is_lacking() -> None:
    neutral = face()
    folded = neutral.clone()
    folded[..., 100:116, 60:90] = (folded[..., 100:116, 60:90] + 1) * 0.75 - 1
    stops, trust = lacking(neutral, served(at_maps(folded), 0.0), known(0.0))
    assert trust.min() == 1
    assert stops[..., 52:56, 34:42].mean() == pytest.approx(0.39, abs=0.06)
    assert stops[..., 10:30, :].abs().mean() < 0.02


def test_what_is_out_of_place_is_no_light() -> None:
    """The motion that was served fell short by 4 px: the neutral face is looked at there, too."""
    neutral = face()
    late = neutral.roll(4, 2)
    off = served_places(served(late, 6.0).flow, known(10.0)[:, :2] * PIXEL)
    torch.testing.assert_close(off[:, 1], torch.full_like(off[:, 1], -4 * PIXEL))
    stops, _ = lacking(neutral, served(at_maps(late), 6.0), known(10.0))
    naive, _ = lacking(neutral, served(at_maps(late), 10.0), known(10.0))
    inside = slice(8, 88)
    assert stops[..., inside, inside].abs().max() < 0.05 < 0.1 < naive[..., inside, inside].std()


def test_motion_that_went_astray_teaches_nothing() -> None:
    _, trust = lacking(face(), served(at_maps(face()), 20.0), known(0.0))
    assert trust.max() == 0


def test_the_rim_of_what_is_known_teaches_nothing() -> None:
    """The face ends at column 50; the neutral one is narrower there, and shows the wall."""
    expressive = torch.full((1, 3, 192, 192), -0.4)
    neutral = expressive.clone()
    neutral[..., 96:] = 0.9
    true = known(0.0)
    true[:, 2, :, 50:] = 0
    stops, trust = lacking(neutral, served(at_maps(expressive), 0.0), true)
    assert trust[..., 47:].max() == 0
    assert trust[..., :46].min() == 1
    assert stops[..., 46:].abs().max() < 1e-6


def test_broad_differences_are_no_fold() -> None:
    neutral = face()
    darker = (neutral + 1) * 0.8 - 1
    stops, _ = lacking(neutral, served(at_maps(darker), 0.0), known(0.0))
    assert stops.abs().mean() < 0.02


def test_darkness_at_the_lip_line_is_the_lines() -> None:
    line = torch.tensor([-8.0, 0.0, 8.0]).view(1, 1, 3, 1)
    beside = torch.tensor([-20.0, 20.0]).view(1, 1, 1, 2)
    share = off_line(line, beside)[0, 0]
    assert share[1, 0] == 0
    assert share[1, 1] == 1
    assert share[[0, 2]].min() > 0.99
