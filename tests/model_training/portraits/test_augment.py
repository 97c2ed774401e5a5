"""Both members of a pair suffer the same accidents."""

import numpy as np
import torch

from model_training.portraits.augment import (
    Misalignment,
    augment_pair,
    augment_single,
    compress,
    flip,
    mirrored_flow,
    mirrored_points,
    side_light,
    to_grey,
)


def test_equal_members_stay_equal() -> None:
    images = torch.rand(16, 3, 64, 64) * 2 - 1
    flow = torch.zeros(16, 3, 32, 32)
    neutral, expressive, _ = augment_pair(images, images.clone(), flow, np.random.default_rng(0))
    torch.testing.assert_close(neutral, expressive)
    assert (neutral - images).abs().amax((1, 2, 3)).gt(0).sum() >= 8, "something happens to most"


def test_mirrored_flow_points_the_other_way() -> None:
    flow = torch.tensor([2.0, 3.0, 1.0]).view(1, 3, 1, 1) * torch.tensor([1.0, 0.0])
    turned = mirrored_flow(flow, torch.tensor([True]))
    assert turned[0, :, 0, 1].tolist() == [-2, 3, 1]
    assert turned[0, :, 0, 0].abs().max() == 0
    assert torch.equal(mirrored_flow(turned, torch.tensor([True])), flow)
    assert torch.equal(mirrored_flow(flow, torch.tensor([False])), flow)


def test_mirrored_points_stay_in_order() -> None:
    points = torch.tensor([[[1.0, 5.0], [10.0, 7.0]]])
    turned = mirrored_points(points, 64, torch.tensor([True]))
    assert turned.tolist() == [[[53.0, 7.0], [62.0, 5.0]]]
    assert torch.equal(mirrored_points(turned, 64, torch.tensor([True])), points)
    assert torch.equal(mirrored_points(points, 64, torch.tensor([False])), points)


def test_what_is_hidden_gets_no_trusted_flow() -> None:
    images = torch.rand(64, 3, 32, 32) * 2 - 1
    flow = torch.ones(64, 3, 16, 16)
    found = augment_pair(images, images.clone(), flow, np.random.default_rng(0))[2]
    hidden = (found[:, 2] == 0).flatten(1).any(1).sum()
    assert 1 <= hidden <= 16, "about a tenth of the samples have something before the face"


def test_flip_and_grey_touch_only_the_chosen() -> None:
    images = torch.rand(2, 3, 8, 8)
    chosen = torch.tensor([True, False])
    assert torch.equal(flip(images, chosen)[0], images[0].flip(2))
    assert torch.equal(flip(images, chosen)[1], images[1])
    grey = to_grey(images, chosen)
    assert torch.equal(grey[0, 0], grey[0, 1])
    assert torch.equal(grey[1], images[1])


def test_side_light_darkens_one_side() -> None:
    white = torch.ones(1, 3, 16, 16)
    lit = side_light(white, torch.tensor([0.5]), torch.tensor([0.0]))
    assert lit[0, 0, 8, 0] == 1
    assert lit[0, 0, 8, -1] == 0
    assert torch.equal(side_light(white, torch.tensor([0.0]), torch.tensor([0.0])), white)


def test_misalignment_moves_only_a_little() -> None:
    ramp = torch.linspace(-1, 1, 256).view(1, 1, 1, 256).expand(64, 1, 256, 256)
    moved = Misalignment.draw(64, np.random.default_rng(0)).of_maps(ramp)
    pixels = (moved[:, 0, 128, 128] - ramp[:, 0, 128, 128]).abs() * 128
    assert 1 < pixels.mean() < 5
    assert pixels.max() < 15


def test_pictures_flow_and_points_are_misaligned_together() -> None:
    off = Misalignment.draw(4, np.random.default_rng(1))
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    dot = torch.exp(-((x - 40) ** 2 + (y - 20) ** 2) / 8).expand(4, 1, 64, 64)
    moved = off.of_maps(dot)[:, 0].flatten(1).argmax(1)
    found = torch.stack([moved % 64, moved // 64], 1).float()
    (wanted,) = off.of_points(torch.tensor([[40.0, 20.0]]).expand(4, 1, 2), 64).unbind(1)
    assert (found - wanted).abs().max() < 1
    # A flow to the right turns as the picture does, and is as long as the picture is large.
    flow = torch.tensor([3.0, 0.0, 1.0]).view(1, 3, 1, 1).expand(4, 3, 32, 32)
    turned = off.of_flow(flow)
    before = off.points_before(wanted[:, None], 64)
    torch.testing.assert_close(before, torch.tensor([[40.0, 20.0]]).expand(4, 1, 2))
    ends = off.of_points(torch.tensor([[30.0, 30.0], [33.0, 30.0]]).expand(4, 2, 2), 64)
    torch.testing.assert_close(turned[:, :2, 16, 16], ends[:, 1] - ends[:, 0], atol=1e-4, rtol=0)
    assert turned[:, 2].unique().tolist() == [1.0]
    half = flow.clone()
    half[:, 2, :, 16:] = 0
    assert set(off.of_flow(half)[:, 2].unique().tolist()) == {0.0, 1.0}


def test_compress_touches_one_sample_and_costs_little() -> None:
    smooth = torch.linspace(-1, 1, 64).view(1, 1, 1, 64).expand(2, 3, 64, 64).clone()
    stored = smooth.clone()
    compress(stored, 1, 60)
    assert torch.equal(stored[0], smooth[0])
    error = (stored[1] - smooth[1]).abs()
    assert 0 < error.mean() < 0.03


def test_compression_keeps_red_red() -> None:
    red = torch.tensor([0.8, -0.6, -0.6]).view(1, 3, 1, 1).expand(1, 3, 32, 32).clone()
    stored = red.clone()
    compress(stored, 0, 90)
    assert (stored - red).abs().max() < 0.03


def test_singles_are_repeatable_and_keep_their_range() -> None:
    images = torch.rand(24, 3, 64, 64) * 2 - 1
    first = augment_single(images, np.random.default_rng(5))
    assert torch.equal(first, augment_single(images, np.random.default_rng(5)))
    assert first.shape == images.shape
    assert first.min() >= -1
    assert first.max() <= 1
    assert (first - images).abs().amax((1, 2, 3)).gt(0).sum() >= 12, "something happens to most"
