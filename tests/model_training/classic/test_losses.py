"""Every loss of the paper against a value worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from model_training.classic import losses


def images(*values: float) -> torch.Tensor:
    """Constant 2x2 images, one a value: [N, 1, 2, 2]."""
    return torch.tensor(values)[:, None, None, None].expand(-1, 1, 2, 2)


def test_l_rec1_is_the_mean_square_over_pixels_and_batch() -> None:
    # (0.5^2 + 1^2) / 2
    assert losses.l_rec1(images(0.5, -1.0), images(0.0, 0.0)).item() == pytest.approx(0.625)


def test_l_dec_weighs_the_reconstruction() -> None:
    assert losses.l_dec(torch.tensor(0.2), 5.0).item() == pytest.approx(1.0)


def test_l_kl_sums_over_the_latent_and_averages_over_the_batch() -> None:
    mu = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    logvar = torch.tensor([[0.0, math.log(2.0)], [0.0, 0.0]])
    # First row: 1/2 from mu = 1, and (2 - 1 - ln 2) / 2 from variance 2; second row: 0.
    expected = (0.5 + (1 - math.log(2)) / 2) / 2
    assert losses.l_kl(mu, logvar).item() == pytest.approx(expected)


def test_l_enc_joins_divergence_and_reconstruction() -> None:
    # (0.003 * 30 + 5 * 0.04) / 2
    value = losses.l_enc(torch.tensor(30.0), torch.tensor(0.04), 0.003, 5.0)
    assert value.item() == pytest.approx(0.145)


def test_l_dis_wants_ones_for_photographs_and_zeros_for_both_fakes() -> None:
    real, decoded = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0])
    enhanced = torch.tensor([0.5, 0.5])
    # ((0 + 1) / 2 + (0 + 4) / 2 + 0.25) / 3
    value = losses.l_dis(real, decoded, enhanced)
    assert value.item() == pytest.approx(2.75 / 3)


def test_l_enh_of_stage_1_compares_to_the_input() -> None:
    assert losses.l_enh_stage1(images(1.0), images(0.7)).item() == pytest.approx(0.09)


def test_l_rec2_compares_to_its_reference() -> None:
    assert losses.l_rec2(images(0.0, 0.2), images(0.1, 0.0)).item() == pytest.approx(0.025)


def test_l_gan_wants_ones_for_enhanced_images() -> None:
    # (0 + 0.25 + 4) / 3
    value = losses.l_gan(torch.tensor([1.0, 0.5, -1.0]))
    assert value.item() == pytest.approx(4.25 / 3)


def test_l_enh_of_stage_2_mixes_reconstruction_and_gan() -> None:
    # 0.95 * 0.02 + 0.05 * 0.8
    value = losses.l_enh(torch.tensor(0.02), torch.tensor(0.8), 0.05)
    assert value.item() == pytest.approx(0.059)


def test_l_ntr_wants_both_latents_at_the_neutral_one() -> None:
    target = torch.tensor([[1.0, 0.0]])
    # (0 + 4) / 2 + (1 + 0) / 2
    value = losses.l_ntr(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 0.0]]), target)
    assert value.item() == pytest.approx(2.5)


def test_l_total_is_the_sum() -> None:
    assert losses.l_total(*torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])).item() == 15.0


def test_losses_are_float32_whatever_comes_in() -> None:
    low = torch.tensor([[0.5, -0.25]], dtype=torch.bfloat16)
    for value in (losses.l_rec1(low, low), losses.l_kl(low, low), losses.l_gan(low[0])):
        assert value.dtype == torch.float32
