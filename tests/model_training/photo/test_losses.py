"""Photo's losses against values worked out by hand."""

import pytest
import torch

from model_training.photo.losses import (
    PhotoLossWeights,
    balance,
    changed_weights,
    displacement,
    gradient_l1,
    lsgan_discriminator,
    lsgan_generator,
    movement_balance,
    reconstruction,
    region_weights,
    regularisation,
    surroundings_weights,
    total_variation,
    weighted_l1,
)
from model_training.photo.network import PhotoMaps


def test_weighted_l1_by_hand() -> None:
    a = torch.tensor([[[[1.0, 2.0]]]])
    b = torch.tensor([[[[0.0, 4.0]]]])
    weights = torch.tensor([[[[3.0, 0.5]]]])
    assert weighted_l1(a, b, weights).item() == pytest.approx((3 * 1 + 0.5 * 2) / 2)


def test_gradient_l1_by_hand() -> None:
    a = torch.tensor([[[[0.0, 1.0], [2.0, 5.0]]]])
    # Horizontal differences 1 and 3, vertical 2 and 4.
    assert gradient_l1(a, torch.zeros_like(a)).item() == pytest.approx(2 + 3)
    assert gradient_l1(a, a + 7).item() == 0


def test_total_variation_by_hand() -> None:
    flow = torch.tensor([[[[0.0, 0.1], [0.3, 0.3]], [[0.0, 0.0], [0.0, 0.0]]]])
    # Horizontal |.1|, |0|, 0, 0 -> .025; vertical |.3|, |.2|, 0, 0 -> .125.
    assert total_variation(flow).item() == pytest.approx(0.15)


def test_lsgan_by_hand() -> None:
    assert lsgan_generator(torch.tensor([0.0, 2.0])).item() == pytest.approx(1.0)
    loss = lsgan_discriminator(torch.tensor([0.5]), torch.tensor([0.5, -0.5]), torch.tensor([2.0]))
    assert loss.item() == pytest.approx(0.25 + 0.25 + 0.5 * 4)


def test_reconstruction_ignores_what_is_not_valid_and_keeps_the_input_there() -> None:
    weights = PhotoLossWeights()
    neutral, expressive = torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 16)
    neutral[..., 8:] = 1.0  # the target disagrees where it is not to be trusted
    valid = torch.ones(1, 1, 16, 16)
    valid[..., 8:] = 0
    regions = torch.ones(1, 1, 16, 16)
    assert reconstruction(expressive, expressive, neutral, expressive, valid, regions, weights) == 0
    changed = expressive.clone()
    changed[..., 8:] = 1.0
    loss = reconstruction(changed, expressive, neutral, expressive, valid, regions, weights)
    assert loss.item() == pytest.approx(weights.outside * 0.5)


def test_regularisation_by_hand() -> None:
    maps = PhotoMaps(
        flow=torch.full((1, 2, 4, 4), 0.2),
        mask=torch.full((1, 1, 16, 16), 0.5),
        paint=torch.zeros(1, 3, 16, 16),
        shade=torch.zeros(1, 3, 16, 16),
    )
    weights = PhotoLossWeights(mask=0.03, flow=0.05)
    assert regularisation(maps, weights).item() == pytest.approx(0.03 * 0.5 + 0.05 * 0.2)


def test_weights_follow_the_crop_contract() -> None:
    regions, surroundings = region_weights()[0, 0], surroundings_weights()[0, 0]
    mouth, eye, corner = (188, 128), (113, 93), (4, 4)
    assert regions[mouth] > 3.5 > regions[eye] > 1.8 > regions[corner] >= 1
    assert surroundings[mouth] == surroundings[eye] == 0
    assert surroundings[corner] == 1


def test_changed_weights_point_at_the_change() -> None:
    neutral, expressive = torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)
    expressive[..., 14:18, 14:18] = 1.0
    weights = changed_weights(neutral, expressive)[0, 0]
    assert weights[16, 16] > 0.5
    assert weights[0, 0] == 0


def test_displacement_by_hand() -> None:
    # 16 px window, flow of 4 x 4: a pixel is 1/8 of `grid_sample`'s unit.
    true = torch.zeros(1, 3, 16, 16)
    true[:, 0] = 2.0
    true[:, 2, :8] = 1.0  # the upper half is trusted
    regions = torch.ones(1, 1, 16, 16)
    flow = torch.zeros(1, 2, 4, 4)
    # 2/8 off in x (beyond 0.06 linear: minus 0.06/2), 0 in y, half of the places.
    assert displacement(flow, true, regions).item() == pytest.approx((0.25 - 0.03) / 2 / 2)
    flow[:, 0, :2] = 0.22
    # 0.03 off: squared, over twice 0.06.
    assert displacement(flow, true, regions).item() == pytest.approx(0.03**2 / 0.12 / 4)
    flow[:, 0, :2] = 0.25
    assert displacement(flow, true, regions).item() == 0


def test_small_movements_count_as_much_as_large_ones() -> None:
    true = torch.zeros(4, 3, 8, 8)
    # Not moved; 1 px where trusted (and 9 px where not); usual; far.
    true[1, 0], true[1, 1], true[2, 0], true[3, 1] = 1.0, 0.0, 2.0, 6.0
    true[1, 0, 4:] = 9.0
    true[:, 2] = 1.0
    true[1, 2, 4:] = 0.0
    regions = torch.ones(1, 1, 8, 8)
    assert movement_balance(true, regions).flatten().tolist() == pytest.approx([1, 4, 1, 0.5])


def test_balance_lifts_small_changes_and_leaves_unchanged_pairs_alone() -> None:
    neutral = torch.zeros(4, 3, 8, 8)
    change = torch.tensor([0.0, 0.01, 0.04, 0.4]).view(4, 1, 1, 1)
    assert balance(neutral, neutral + change).flatten().tolist() == pytest.approx([1, 3, 1, 0.6])
