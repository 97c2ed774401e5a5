"""Loss weights over epochs, and the perceptual loss."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2
import pytest
import torch

from model_training.classic.networks import ClassicConfig, Discriminator
from model_training.classic.perceptual import PACKAGES, l_perceptual, require_packages
from model_training.runs.schedules import LinearRamp, plot_schedules


def test_ramp_rises_linearly_between_its_ends() -> None:
    ramp = LinearRamp(maximum=0.05, start=25, end=60)
    assert [ramp.at(e) for e in (0, 25, 60, 100)] == [0.0, 0.0, 0.05, 0.05]
    assert ramp.at(42.5) == pytest.approx(0.025)


def test_negative_start_weighs_the_first_epoch_and_equal_ends_are_a_step() -> None:
    assert LinearRamp(0.003, -1, 10).at(0) == pytest.approx(0.003 / 11)
    step = LinearRamp(2.0, 5, 5)
    assert [step.at(e) for e in (4.9, 5)] == [0.0, 2.0]
    with pytest.raises(ValueError, match="before it starts"):
        LinearRamp(1.0, 5, 4)


def test_schedules_are_drawn(tmp_path: Path) -> None:
    ramps = {"W_kl": LinearRamp(0.003, -1, 10), "W_g": LinearRamp(0.05, 0, 35)}
    picture = cv2.imread(str(plot_schedules(ramps, 50, tmp_path / "schedules.png")))
    assert picture is not None
    assert picture.std() > 5


def test_perceptual_loss_is_zero_for_equal_images_and_trains_the_generated_alone() -> None:
    torch.manual_seed(0)
    network = Discriminator(ClassicConfig(image_size=32, encoder_widths=(4, 4, 8, 8))).eval()
    reference = torch.rand(2, 1, 32, 32, requires_grad=True)
    generated = (reference.detach() + 0.1).requires_grad_()
    assert l_perceptual(network, reference, reference.detach()).item() == 0.0
    loss = l_perceptual(network, reference, generated)
    loss.backward()
    assert loss.item() > 0
    assert reference.grad is None
    assert generated.grad is not None
    assert generated.grad.abs().sum() > 0


def test_missing_feature_packages_are_named_before_the_training() -> None:
    require_packages("none")
    require_packages("discriminator")
    if all(find_spec(name) for name in PACKAGES):
        require_packages("efficientnet")
    else:
        with pytest.raises(ValueError, match=r"\.\[perceptual\]"):
            require_packages("efficientnet")
