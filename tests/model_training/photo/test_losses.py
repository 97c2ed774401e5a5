"""Photo's losses against values worked out by hand."""

import numpy as np
import pytest
import torch

from model_training.photo.losses import (
    TUCK,
    agreement,
    crease_error,
    displacement,
    line_error,
    lips_meet,
    movement_balance,
    opening_error,
    region_weights,
    stillness,
    total_variation,
    tucked,
)
from model_training.photo.network import MAP_SIZE, PhotoMaps
from tests.model_training.photo.maps import lines, plain_maps

PIXEL = 2 / 192
"""A pixel of the window in `grid_sample`'s unit."""
REGIONS = torch.ones(1, 1, MAP_SIZE, MAP_SIZE)


def sideways() -> torch.Tensor:
    """How far beyond corners 28 px from the middle each column lies, [1, 1, 96, 96]."""
    column = (torch.arange(MAP_SIZE) + 0.5 - MAP_SIZE / 2).abs() * 2
    return (column - 28).expand(1, 1, MAP_SIZE, MAP_SIZE)


def known(x: float, y: float) -> torch.Tensor:
    """The same displacement in pixels everywhere, trusted everywhere, [1, 3, 96, 96]."""
    return torch.tensor([x, y, 1.0]).view(1, 3, 1, 1).expand(1, 3, MAP_SIZE, MAP_SIZE)


def test_total_variation_by_hand() -> None:
    flow = torch.tensor([[[[0.0, 0.1], [0.3, 0.3]], [[0.0, 0.0], [0.0, 0.0]]]])
    # Horizontal |.1|, |0|, 0, 0 -> .025; vertical |.3|, |.2|, 0, 0 -> .125.
    assert total_variation(flow).item() == pytest.approx(0.15)


def test_regions_follow_the_crop_contract() -> None:
    regions = region_weights()[0, 0]
    mouth, eye, corner = (94, 64), (56, 46), (2, 2)
    assert min(regions[mouth], regions[eye]) > 3.5 > 1.8 > regions[corner] >= 1


def test_each_layer_is_held_to_the_motion_of_its_side() -> None:
    line, true = lines(), known(0, 2.0)
    maps = plain_maps()
    off = displacement(maps, true, line, sideways(), REGIONS)
    maps.upper[:, 1] = torch.where(line[:, 0] > 0, 0.0, 2 * PIXEL)
    maps.lower[:, 1] = torch.where(line[:, 0] > 0, 2 * PIXEL, 0.0)
    between = displacement(maps, true, line, sideways(), REGIONS)
    assert 0 < between < 0.4 * off, "beyond the corners both are held to it"
    maps.upper[:, 1] = maps.lower[:, 1] = 2 * PIXEL
    assert displacement(maps, true, line, sideways(), REGIONS) == pytest.approx(0, abs=1e-9)


def test_displacement_by_hand() -> None:
    # Without a mouth: all far above the line, both layers beyond the corners.
    line = torch.full((1, 1, MAP_SIZE, MAP_SIZE), -50.0)
    maps = plain_maps()
    maps.upper[:, 0] = maps.lower[:, 0] = 3 * PIXEL
    # One pixel off: squared, over twice 0.06, in one of two components.
    found = displacement(maps, known(2.0, 0), line, sideways(), REGIONS)
    x = (torch.arange(MAP_SIZE) + 0.5 - MAP_SIZE / 2).abs() * 2
    layers = 1 + ((x - 30) / 8).clamp(0, 1).mean()
    assert found.item() == pytest.approx(PIXEL**2 / 0.12 / 2 * layers.item(), rel=1e-4)


def test_an_error_at_the_lips_counts_seven_times() -> None:
    inside = torch.full((1, 1, MAP_SIZE, MAP_SIZE), -20.0)
    true = known(0.0, 0)
    at_line, far = plain_maps(), plain_maps()
    at_line.upper[:, 1, 59], far.upper[:, 1, 20] = PIXEL, PIXEL  # lines(120.0): row 59 is at -1.5
    found = [displacement(maps, true, lines(), inside, REGIONS).item() for maps in (at_line, far)]
    assert found[0] / found[1] == pytest.approx(1 + 6 * np.exp(-((1.5 / 5) ** 2)), rel=1e-3)


def test_small_movements_count_as_much_as_large_ones() -> None:
    true = torch.zeros(4, 3, 8, 8)
    # Not moved; 1 px where trusted (and 9 px where not); usual; far.
    true[1, 0], true[1, 1], true[2, 0], true[3, 1] = 1.0, 0.0, 2.0, 6.0
    true[1, 0, 4:] = 9.0
    true[:, 2] = 1.0
    true[1, 2, 4:] = 0.0
    regions = torch.ones(1, 1, 8, 8)
    assert movement_balance(true, regions).flatten().tolist() == pytest.approx([1, 4, 1, 0.5])


def test_open_lips_are_fetched_inside_the_lip() -> None:
    line, opening = lines(119.5), torch.zeros(1, 1, MAP_SIZE, MAP_SIZE)
    assert torch.equal(tucked(known(0, 0), line, opening), known(0, 0))
    opening[..., 58:62, 40:56] = 1
    moved = tucked(known(0, 0), line, opening)[0, 1, :, 48]
    above, below = moved[59], moved[60]  # rows 118.5 and 120.5, a pixel from the line
    assert -TUCK < above < -0.5
    assert 0.5 < below < TUCK
    assert moved[30].abs() < 1e-6


def test_line_and_opening_cost_nothing_when_found() -> None:
    line = lines()
    sure = torch.ones(1, 1, 1, 1)
    assert line_error(line.clamp(-10, 10), line, sideways(), sure) == 0
    near, far = line.clamp(-10, 10).clone(), line.clamp(-10, 10).clone()
    near[..., 56:60, 48] += 1
    far[..., 10:14, 48] += 1
    off = line_error(near, line, sideways(), sure)
    assert off > 5 * line_error(far, line, sideways(), sure) > 0
    assert line_error(near, line, sideways(), 0.5 * sure).item() == pytest.approx(off.item() / 2)
    opening = torch.zeros(1, 1, 8, 8)
    opening[..., 4:] = 1
    assert opening_error(opening, opening) < 1e-3
    assert opening_error(1 - opening, opening) > 5


def test_what_must_agree_and_what_must_stay() -> None:
    maps = plain_maps()
    maps.upper[..., 48] = 0.1
    assert agreement(maps, sideways()) == 0, "lips may part"
    maps.upper[..., 2] = 0.1
    assert agreement(maps, sideways()).item() == pytest.approx(0.1 / MAP_SIZE)
    true = torch.zeros(1, 3, MAP_SIZE, MAP_SIZE)
    true[:, 2, :, 40:60] = 1
    maps = plain_maps()
    maps.lower[..., 50] = 0.1
    assert stillness(maps, true) == 0
    maps.lower[..., 0] = 0.1
    assert stillness(maps, true).item() == pytest.approx(0.1 / MAP_SIZE)


def test_the_dark_line_is_as_sharp_as_the_photograph() -> None:
    line, still = lines(120.0), known(0, 0)
    rows = torch.arange(192.0).view(1, 1, 192, 1).expand(1, 3, 192, 192)
    calm = torch.zeros(1, 3, 192, 192)
    sharp, soft = (
        (calm + 1) * (1 - depth * torch.exp(-(((rows - 119.5) / width) ** 2))) - 1
        for depth, width in ((0.6, 1.1), (0.22, 3.0))
    )

    def darkest(target: torch.Tensor) -> float:
        """The dark line's depth at the least loss."""
        cost = {}
        for depth in np.linspace(0, 1, 11):
            maps = plain_maps()._replace(crease=torch.full_like(line, depth))
            cost[float(depth)] = float(crease_error(maps, target, calm, still, line, sideways()))
        return min(cost, key=lambda depth: cost[depth])

    assert darkest(sharp) >= 0.7
    assert darkest(soft) <= 0.3


def test_lips_meet_where_both_edges_come_to_the_line() -> None:
    rows = lines(0.0)
    lips = torch.cat([rows - 110, rows - 130], 1)  # inner lips 20 px apart
    maps = plain_maps()._replace(line=lines(120.0).clamp(-10, 10))
    apart = lips_meet(maps, lips, sideways())
    assert apart > 4
    maps.upper[:, 1], maps.lower[:, 1] = (-10 - TUCK) * PIXEL, (10 + TUCK) * PIXEL
    assert lips_meet(maps, lips, sideways()) < 0.01


def test_maps_are_named_as_the_network_answers() -> None:
    assert PhotoMaps._fields == ("upper", "lower", "line", "opening", "crease")
