"""Both members of a pair suffer the same accidents."""

import numpy as np
import torch

from model_training.portraits.augment import (
    augment_pair,
    augment_single,
    compress,
    flip,
    mirrored_flow,
    misalign,
    one_side,
    side_light,
    to_grey,
)


def test_equal_members_stay_equal() -> None:
    images = torch.rand(16, 3, 64, 64) * 2 - 1
    valid = torch.ones(16, 1, 64, 64)
    flow = torch.zeros(16, 3, 64, 64)
    neutral, expressive, _, _ = augment_pair(
        images, images.clone(), valid, flow, np.random.default_rng(0)
    )
    torch.testing.assert_close(neutral, expressive)
    assert (neutral - images).abs().amax((1, 2, 3)).gt(0).sum() >= 8, "something happens to most"


def test_validity_is_mirrored_with_the_picture() -> None:
    images = torch.linspace(-1, 1, 32).view(1, 1, 1, 32).expand(12, 3, 32, 32).clone()
    valid = (images[:, :1] > 0).float()
    flow = torch.stack([valid[:, 0], torch.zeros_like(valid[:, 0]), valid[:, 0]], 1)
    _, expressive, mirrored, turned = augment_pair(
        images, images.clone(), valid, flow, np.random.default_rng(3)
    )
    falls = expressive[:, 0, 16, 4:12].mean(1) > expressive[:, 0, 16, 20:28].mean(1)
    assert falls.any()
    assert not falls.all()
    assert torch.equal(mirrored[:, 0, 0, 0] == 1, falls)
    assert torch.equal(turned[:, 0].sum((1, 2)) < 0, falls), "to the right becomes to the left"


def test_mirrored_flow_points_the_other_way() -> None:
    flow = torch.tensor([2.0, 3.0, 1.0]).view(1, 3, 1, 1) * torch.tensor([1.0, 0.0])
    turned = mirrored_flow(flow, torch.tensor([True]))
    assert turned[0, :, 0, 1].tolist() == [-2, 3, 1]
    assert turned[0, :, 0, 0].abs().max() == 0
    assert torch.equal(mirrored_flow(turned, torch.tensor([True])), flow)
    assert torch.equal(mirrored_flow(flow, torch.tensor([False])), flow)


def test_one_side_keeps_the_expression_on_one_side() -> None:
    neutral, expressive = torch.zeros(8, 3, 4, 64), torch.ones(8, 3, 4, 64)
    chosen = torch.arange(8) > 0
    winks = one_side(neutral, expressive, chosen, np.random.default_rng(0))
    assert torch.equal(winks[0], expressive[0])
    left, right = winks[1:, 0, 0, :20].mean(1), winks[1:, 0, 0, -20:].mean(1)
    assert ((left + right) == 1).all(), "one side is neutral, the other is not"
    assert 0 < left.sum() < 7, "sometimes left, sometimes right"


def test_what_is_hidden_gets_no_trusted_flow() -> None:
    images = torch.rand(64, 3, 32, 32) * 2 - 1
    flow, valid = torch.ones(64, 3, 32, 32), torch.ones(64, 1, 32, 32)
    found = augment_pair(images, images.clone(), valid, flow, np.random.default_rng(0))[3]
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


def test_misalign_moves_all_channels_together_and_only_a_little() -> None:
    ramp = torch.linspace(-1, 1, 256).view(1, 1, 1, 256).expand(64, 1, 256, 256)
    both = torch.cat([ramp, -ramp], 1)
    moved = misalign(both, np.random.default_rng(0))
    torch.testing.assert_close(moved[:, 0], -moved[:, 1])
    pixels = (moved[:, 0, 128, 128] - ramp[:, 0, 128, 128]).abs() * 128
    assert 1 < pixels.mean() < 5
    assert pixels.max() < 15


def test_compress_touches_one_sample_and_costs_little() -> None:
    smooth = torch.linspace(-1, 1, 64).view(1, 1, 1, 64).expand(2, 3, 64, 64).clone()
    stored = smooth.clone()
    compress(stored, 1, 60)
    assert torch.equal(stored[0], smooth[0])
    error = (stored[1] - smooth[1]).abs()
    assert 0 < error.mean() < 0.03


def test_singles_are_repeatable_and_keep_their_range() -> None:
    images = torch.rand(24, 3, 64, 64) * 2 - 1
    first = augment_single(images, np.random.default_rng(5))
    assert torch.equal(first, augment_single(images, np.random.default_rng(5)))
    assert first.shape == images.shape
    assert first.min() >= -1
    assert first.max() <= 1
    assert (first - images).abs().amax((1, 2, 3)).gt(0).sum() >= 12, "something happens to most"
