"""The eye opener's losses, and those it shares, against values worked out by hand."""

import pytest
import torch

from model_training.photo.critic import PatchDiscriminator
from model_training.photo.eyes.losses import (
    changed_weights,
    lsgan_discriminator,
    lsgan_generator,
)
from model_training.photo.pictures import gradient_l1, weighted_l1


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


def test_lsgan_by_hand() -> None:
    assert lsgan_generator(torch.tensor([0.0, 2.0])).item() == pytest.approx(1.0)
    loss = lsgan_discriminator(torch.tensor([0.5]), torch.tensor([0.5, -0.5]), torch.tensor([2.0]))
    assert loss.item() == pytest.approx(0.25 + 0.25 + 0.5 * 4)


def test_changed_weights_point_at_the_change() -> None:
    neutral, expressive = torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)
    expressive[..., 14:18, 14:18] = 1.0
    weights = changed_weights(neutral, expressive)[0, 0]
    assert weights[16, 16] > 0.5
    assert weights[0, 0] == 0


def test_discriminator_scores_patches() -> None:
    scores = PatchDiscriminator(width=4)(torch.zeros(2, 3, 192, 192))
    assert scores.shape == (2, 1, 6, 6)
