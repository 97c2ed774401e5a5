"""The network for light: it starts as nothing, and sees the face where it was moved to."""

from __future__ import annotations

import math

import torch

from model_training.photo.light.network import (
    LightNet,
    at_maps,
    coloured_as_around,
    light_of,
    moved_face,
)
from model_training.photo.network import MAP_SIZE
from model_training.photo.render import compose
from tests.model_training.photo.maps import lines, plain_maps

PIXEL = 2 / 192
"""A pixel of the window in `grid_sample`'s unit."""


def test_untrained_it_adds_no_light() -> None:
    torch.manual_seed(0)
    small, motion = torch.rand(2, 3, MAP_SIZE, MAP_SIZE) * 2 - 1, compose(plain_maps(2))
    stops = light_of(LightNet().eval(), small, motion)
    assert stops.shape == (2, 3, MAP_SIZE, MAP_SIZE)
    assert stops.abs().max() == 0


def test_light_stays_within_its_bounds_and_fades_out() -> None:
    torch.manual_seed(0)
    network = LightNet().eval()
    torch.nn.init.normal_(network.last.weight, std=5.0)
    moved = moved_face(torch.rand(1, 3, MAP_SIZE, MAP_SIZE), compose(plain_maps()))
    stops = network(moved.face, moved.motion, moved.line)
    assert 0.5 < stops.abs().max() <= 1
    assert stops[..., 0, :].abs().max() < 0.1


def test_faint_light_is_left_out() -> None:
    small, motion = torch.zeros(1, 3, MAP_SIZE, MAP_SIZE), compose(plain_maps())
    network, middle = LightNet().eval(), slice(20, 70)
    for said, served in ((0.01, 0.0), (-0.01, 0.0), (0.115, 0.1), (-0.115, -0.1)):
        torch.nn.init.constant_(network.last.bias, math.atanh(said))
        stops = light_of(network, small, motion)[..., middle, middle]
        torch.testing.assert_close(stops, torch.full_like(stops, served))


def test_a_lit_fold_takes_the_colour_around_it() -> None:
    face = torch.tensor([0.4, 0.1, -0.1]).view(1, 3, 1, 1).repeat(1, 1, MAP_SIZE, MAP_SIZE)
    fold = (..., slice(40, 60), slice(50, 52))
    face[fold] = torch.tensor([0.2, -0.2, -0.4]).view(1, 3, 1, 1)  # darker, and redder
    stops = torch.zeros(1, 1, MAP_SIZE, MAP_SIZE)
    stops[fold] = 0.3
    lit = coloured_as_around(face, stops)
    red, green, blue = lit[fold].mean((0, 2, 3))
    assert 0.15 < red < 0.3 < green < blue < 0.45
    assert lit[..., :, :49].abs().max() == 0, "what is not lit keeps its colour"
    deeper = coloured_as_around(face, -stops)
    torch.testing.assert_close(deeper, -stops.expand_as(deeper))


def test_a_grey_face_gets_grey_light() -> None:
    grey = torch.rand(1, 1, MAP_SIZE, MAP_SIZE, generator=torch.Generator().manual_seed(0))
    stops = torch.full_like(grey, 0.3)
    red, green, blue = coloured_as_around(grey.expand(1, 3, -1, -1) * 2 - 1, stops)[0]
    assert torch.equal(red, green)
    assert torch.equal(red, blue)


def test_the_face_is_moved_layer_by_layer() -> None:
    window = torch.arange(192.0).view(1, 1, 192, 1).expand(1, 3, 192, 192) / 192
    maps = plain_maps()._replace(line=lines(120.0).clamp(-10, 10))
    maps.upper[:, 1], maps.lower[:, 1] = -8 * PIXEL, 8 * PIXEL
    small = at_maps(window)
    moved = moved_face(small, compose(maps))
    change = (moved.face - small)[0, 0, :, 50] * 192
    torch.testing.assert_close(change[10:59], torch.full((49,), -8.0), atol=1e-3, rtol=0)
    torch.testing.assert_close(change[61:90], torch.full((29,), 8.0), atol=1e-3, rtol=0)
    assert moved.motion.shape[1] == 4
