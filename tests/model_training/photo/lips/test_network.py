"""Lips are painted where a mouth came together, as far as it is wanted, and nowhere else."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model_training.photo.config import PatchNetConfig
from model_training.photo.lips.network import LipPainter, paint_lips, relit
from model_training.photo.lips.place import (
    PATCH_HEIGHT,
    PATCH_LEFT,
    PATCH_TOP,
    PATCH_WIDTH,
    how_open,
    patch_of,
    with_patch,
)
from model_training.photo.network import MAP_SIZE, MAP_STEP, WINDOW_SIZE
from model_training.photo.render import Composed

SMALL = PatchNetConfig(widths=(4, 6, 8), fine=8, middle_blocks=1)
COLOURED = SOFT = torch.ones(1, 1, 1, 1)


@pytest.fixture
def painter() -> LipPainter:
    torch.manual_seed(1)
    network = LipPainter(SMALL).eval()
    torch.nn.init.normal_(network.last.weight, std=0.3)
    return network


def moved(pixels: float) -> Composed:
    """A mouth whose lips come together over so many pixels of the window."""
    still = torch.zeros(1, 2, MAP_SIZE, MAP_SIZE)
    lower = still.clone()
    lower[:, 1, 60:70, 40:56] = pixels * 2 / WINDOW_SIZE
    line = torch.linspace(-60, 30, MAP_SIZE).view(1, 1, -1, 1).expand(1, 1, -1, MAP_SIZE)
    return Composed(still, lower, line, still[:, :1])


def wanted(everywhere: float) -> Tensor:
    return torch.full((1, 1, MAP_SIZE, 1), everywhere)


def test_a_new_painter_leaves_mouths_as_they_are() -> None:
    maps = torch.zeros(2, 1, 48, 64)
    stops = LipPainter(SMALL).eval()(torch.rand(2, 3, 96, 128), maps, maps)
    assert stops.shape == (2, 3, 96, 128)
    assert not stops.any()


@torch.no_grad()
def test_dark_mouths_are_seen_as_bright_ones_are(painter: LipPainter) -> None:
    mouth, line = torch.rand(1, 3, 96, 128) - 0.5, torch.rand(1, 1, 48, 64) * 20 - 10
    share = torch.rand(1, 1, 48, 64)
    stops = painter(mouth, line, share)
    assert stops.abs().max() > 0.1
    assert torch.allclose(painter(mouth * 0.5 - 0.3, line, share), stops, atol=0.05)
    assert stops[..., 0, :].abs().max() < 0.2, "it fades at the patch's border"
    # Farther from the line than it is told apart, distances are all alike.
    far = torch.sign(line) * 20
    assert torch.equal(painter(mouth, far, share), painter(mouth, far * 3, share))


def test_stops_are_of_light() -> None:
    mouth = torch.tensor([-1.0, -0.5, 0.0]).view(1, 3, 1, 1)
    assert relit(mouth, torch.tensor(1.0)).flatten().tolist() == [-1.0, 0.0, 1.0]


def test_a_mouth_that_was_shut_counts_as_shut() -> None:
    shut = [float(how_open(moved(pixels))) for pixels in (0.0, 1.4, 2.75, 4.0, 20.0)]
    assert shut == pytest.approx([0, 0, 0.5, 1, 1], abs=1e-4)


@pytest.mark.parametrize("ratio", [1, 2, 4])
@torch.no_grad()
def test_only_the_mouth_changes(painter: LipPainter, ratio: int) -> None:
    window = torch.rand(1, 3, WINDOW_SIZE * ratio, WINDOW_SIZE * ratio) - 0.5
    unit = MAP_STEP * ratio
    before = patch_of(window, unit)
    mouth = paint_lips(painter, before, moved(10), wanted(1.0), COLOURED, SOFT)
    assert mouth.shape[-2:] == (PATCH_HEIGHT * ratio, PATCH_WIDTH * ratio)
    assert (mouth - before).abs().max() > 0.05
    painted = with_patch(window, mouth, unit)
    assert torch.equal(patch_of(painted, unit), mouth)
    top, left = PATCH_TOP * ratio, PATCH_LEFT * ratio
    height, width = PATCH_HEIGHT * ratio, PATCH_WIDTH * ratio
    painted[..., top : top + height, left : left + width] = before
    assert torch.equal(painted, window)


@torch.no_grad()
def test_a_shut_mouth_and_one_that_is_not_wanted_stay(painter: LipPainter) -> None:
    mouth = torch.rand(1, 3, PATCH_HEIGHT, PATCH_WIDTH) - 0.5
    for motion, amount in ((moved(1), 1.0), (moved(10), 0.0)):
        same = paint_lips(painter, mouth, motion, wanted(amount), COLOURED, SOFT)
        assert torch.equal(same, mouth)
    whole, half = (
        (paint_lips(painter, mouth, moved(10), wanted(share), COLOURED, SOFT) - mouth).abs().mean()
        for share in (1.0, 0.5)
    )
    assert 0.15 * whole < half < 0.35 * whole, "a mouth that closes half way has no lips at rest"


@torch.no_grad()
def test_a_grey_photograph_stays_grey(painter: LipPainter) -> None:
    mouth = (torch.rand(1, 1, PATCH_HEIGHT, PATCH_WIDTH) - 0.5).expand(1, 3, -1, -1)
    grey = paint_lips(painter, mouth, moved(10), wanted(1.0), torch.zeros(1, 1, 1, 1), SOFT)
    assert (grey - mouth).abs().max() > 0.05
    assert (grey.amax(1) - grey.amin(1)).max() < 1e-5


def test_maps_and_pictures_have_the_same_patch() -> None:
    y = torch.arange(MAP_SIZE).view(1, -1, 1).expand(1, MAP_SIZE, MAP_SIZE).float()
    fine = y.repeat_interleave(MAP_STEP, 1).repeat_interleave(MAP_STEP, 2)
    assert torch.equal(patch_of(fine, MAP_STEP)[:, ::MAP_STEP, ::MAP_STEP], patch_of(y, 1))
