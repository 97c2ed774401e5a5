"""Spoilt mouths: lips get thinner, paler and a line, and the skin round them stays."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from model_training.photo.lips.damage import Mouths, faded, lined, softened, spoilt, thinned

SKIN, LIPS = torch.tensor([0.4, 0.1, 0.0]), torch.tensor([0.1, -0.5, -0.4])
MIDDLE = 48


@pytest.fixture
def mouths() -> Mouths:
    """Lips of 8 and 12 px between columns 34 and 94, on even skin."""
    y = torch.arange(96.0).view(1, 1, 96, 1) - MIDDLE + 0.5
    x = torch.arange(128.0).view(1, 1, 1, 128)
    line, aside = y.expand(2, 1, 96, 128), ((x - 64).abs() - 30).expand(2, 1, 96, 128)
    on_lips = ((line > -8) & (line < 12) & (aside < 0)).float()
    colour = SKIN.view(1, 3, 1, 1), LIPS.view(1, 3, 1, 1)
    picture = colour[0] + on_lips * (colour[1] - colour[0])
    return Mouths(picture, line, aside, torch.tensor([[8.0, 12.0]] * 2))


def redness(picture: Tensor, rows: slice) -> float:
    return float((picture[0, 0, rows, 64] - picture[0, 1, rows, 64]).mean())


def height(picture: Tensor) -> tuple[int, int]:
    """Rows of the upper and the lower lip in the mouth's middle."""
    lip = picture[0, 1, :, 64] < -0.2
    return int(lip[:MIDDLE].sum()), int(lip[MIDDLE:].sum())


def test_lips_are_thinned_by_as_much_as_is_said(mouths: Mouths) -> None:
    assert height(mouths.picture) == (8, 12)
    same = thinned(mouths, torch.ones(2, 1, 1, 1))
    assert torch.allclose(same, mouths.picture, atol=1e-4)
    keep = torch.where(mouths.line < 0, 0.5, 1.0)
    upper, lower = height(thinned(mouths, keep))
    assert 4 <= upper <= 6
    assert lower == 12
    assert torch.allclose(thinned(mouths, keep)[..., :10], mouths.picture[..., :10], atol=0.01)


def test_lips_fade_to_the_skin_beside_them(mouths: Mouths) -> None:
    picture = mouths.picture
    pale = faded(picture, mouths, torch.where(mouths.line < 0, 0.9, 0.0))
    upper, lower = slice(MIDDLE - 4, MIDDLE), slice(MIDDLE, MIDDLE + 4)
    assert redness(pale, upper) < 0.36 < 0.6 <= redness(picture, upper) + 1e-6, "of skin: 0.3"
    assert redness(pale, lower) == pytest.approx(redness(picture, lower))
    assert torch.allclose(pale[..., 0, :], picture[..., 0, :], atol=1e-3)


def test_a_blur_stays_near_the_line(mouths: Mouths) -> None:
    soft = softened(mouths.picture, mouths, 0, 1.5, across=False)
    difference = (soft - mouths.picture[:1]).abs().amax((0, 1))
    assert difference[MIDDLE - 8, 64] > 0.05
    assert difference[:, 64][: MIDDLE - 20].max() < 0.01
    assert torch.allclose(soft[0, :, MIDDLE, 64], mouths.picture[0, :, MIDDLE, 64], atol=1e-3)


def test_the_line_is_dark_red(mouths: Mouths) -> None:
    dark = torch.full((2, 1, 1, 1), 0.8)
    drawn = lined(mouths.picture, mouths, dark, torch.full((2, 1, 1, 1), 1.0))
    red, green, _ = ((drawn + 1) / (mouths.picture + 1))[0, :, MIDDLE, 64].tolist()
    assert green < 0.35 < red < 0.75
    finer = lined(mouths.picture, mouths, dark, torch.full((2, 1, 1, 1), 4.0))
    assert (finer != mouths.picture).sum() < (drawn != mouths.picture).sum() or (
        (finer - mouths.picture).abs().sum() < (drawn - mouths.picture).abs().sum()
    )


def test_the_line_in_a_grey_photograph_is_grey(mouths: Mouths) -> None:
    grey = mouths._replace(picture=mouths.picture.mean(1, keepdim=True).expand(-1, 3, -1, -1))
    one = torch.full((2, 1, 1, 1), 1.0)
    drawn = lined(grey.picture, grey, 0.8 * one, one)
    assert (drawn.amax(1) - drawn.amin(1)).max() < 1e-5
    assert (grey.picture - drawn).max() > 0.3


def test_chance_spoils_lips_and_leaves_the_rest(mouths: Mouths) -> None:
    many = Mouths(*(part.repeat(20, *(1,) * (part.ndim - 1)) for part in mouths))
    shown = torch.zeros(len(many.picture), 1, 1, 1)
    spoiled = spoilt(many, shown, np.random.default_rng(0))
    assert torch.isfinite(spoiled).all()
    changed = (spoiled - many.picture).abs().amax(1)
    assert (changed[:, MIDDLE - 6 : MIDDLE + 6, 50:78].mean((1, 2)) > 0.02).float().mean() > 0.9
    assert changed[..., :8].max() < 0.05
    assert torch.equal(spoiled, spoilt(many, shown, np.random.default_rng(0)))


def test_of_lips_that_will_be_hidden_less_is_left(mouths: Mouths) -> None:
    many = Mouths(*(part.repeat(20, *(1,) * (part.ndim - 1)) for part in mouths))
    beside = many.picture[:, :, MIDDLE - 18 : MIDDLE - 14, 64].mean(2)

    def left(hidden: float) -> torch.Tensor:
        share = torch.full((len(many.picture), 1, 1, 1), hidden)
        picture = spoilt(many, share, np.random.default_rng(0))
        upper = picture[:, :, MIDDLE - 6 : MIDDLE - 3, 64].mean(2)
        return (upper - beside).norm(dim=1)

    assert (left(1.0) <= left(0.0) + 0.02).all()
    assert left(1.0).mean() < 0.9 * left(0.0).mean()
