"""Each network is trained by its own loss, whatever the options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model_training.classic.context import ClassicContext, gradient_energy, spread
from model_training.classic.networks import ClassicNet
from model_training.classic.recipe import PAPER, with_options
from model_training.classic.stage1 import stage1, train_stage1
from model_training.classic.stage2 import stage2, train_stage2
from model_training.portraits.crops import CropCache
from model_training.runs.checkpoint import CheckpointError
from model_training.runs.compute import ON_CPU
from model_training.runs.config import Pace
from model_training.runs.loop import finished
from tests.model_training.drawn_faces import draw_face


def context(out: Path, **options: Any) -> ClassicContext:
    """A run of one epoch of two steps on drawn faces, without validation people."""
    crops = np.stack([draw_face(p, p % 2)[42:138:3, 42:138:3] for p in range(8)])
    keys = tuple(f"images/{p}.png" for p in range(8))
    tiny = {
        "image_size": 32,
        "latent": 4,
        "encoder_widths": (4, 4, 8, 8),
        "decoder_widths": (8, 4, 4, 4),
        "enhancer_width": 4,
        "discriminator_dense": 8,
        "batch_size": 4,
        "stage1_epochs": 1,
        "stage2_epochs": 1,
        "w_g_ramp": 0.0,
    }
    recipe = with_options(PAPER, **{**tiny, **options})
    torch.manual_seed(0)
    net = ClassicNet(recipe.network)
    data = CropCache(crops, keys, keys, np.zeros(8, bool))
    pace = Pace(tensorboard=False)
    return ClassicContext(recipe, net, data, out, ON_CPU, pace)


def changed(run: ClassicContext, before: dict[str, torch.Tensor]) -> set[str]:
    """Names of the networks whose weights or statistics differ from `before`."""
    now = run.net.state_dict()
    return {name.split(".")[0] for name in now if not torch.equal(now[name], before[name])}


def state(run: ClassicContext) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in run.net.state_dict().items()}


def test_stage_1_leaves_discriminator_and_neutralizer_alone(tmp_path: Path) -> None:
    run = context(tmp_path)
    before = state(run)
    train_stage1(run)
    assert changed(run, before) == {"encoder", "decoder", "enhancer"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"encoder", "decoder", "enhancer", "discriminator"}),
        ({"stage2_trains_vae": False}, {"enhancer", "discriminator"}),
        (
            {
                "spectral_norm": True,
                "prelu": "shared",
                "perceptual": "discriminator",
                "perceptual_weight": 0.1,
                "rec2_reference": "input",
                "channels": 3,
            },
            {"encoder", "decoder", "enhancer", "discriminator"},
        ),
    ],
)
def test_stage_2_trains_what_the_recipe_says(
    tmp_path: Path, options: dict[str, Any], expected: set[str]
) -> None:
    run = context(tmp_path, **options)
    before = state(run)
    train_stage2(run)
    assert changed(run, before) == expected


def test_stage_1_is_the_same_where_features_train_the_enhancer_alone(tmp_path: Path) -> None:
    features = {"perceptual": "efficientnet", "perceptual_weight": 0.1}
    plain, with_all, with_enhancer = (
        context(tmp_path, **options)
        for options in ({}, features, {**features, "perceptual_trains_vae": False})
    )
    assert stage1(with_enhancer).settings == stage1(plain).settings
    assert stage1(with_all).settings != stage1(plain).settings
    assert stage2(with_enhancer).settings != stage2(plain).settings


@pytest.mark.slow
def test_the_enhancer_can_have_a_learning_rate_of_its_own_in_stage_2(tmp_path: Path) -> None:
    moved = {}
    for rate in (0.0, 1e-6):
        run = context(tmp_path / str(rate), lr=1e-2, lr_enhancer=rate)
        before = state(run)
        train_stage2(run)
        after = state(run)
        for part in ("enhancer", "decoder"):
            weights = [n for n in after if n.startswith(part) and n.endswith("weight")]
            moved[part, rate] = max(float((after[n] - before[n]).abs().max()) for n in weights)
    assert moved["enhancer", 0.0] > 1e-3
    assert moved["enhancer", 1e-6] < 1e-5
    assert moved["decoder", 1e-6] == pytest.approx(moved["decoder", 0.0])


def test_the_enhancers_loss_reaches_the_decoder_only_when_joint(tmp_path: Path) -> None:
    weights = {}
    for joint in (False, True):
        # With W_r and W_kl at 0 nothing but the enhancer's loss can move the decoder.
        run = context(tmp_path / str(joint), joint_enhancer=joint, w_r=0.0, w_kl=0.0)
        before = run.net.decoder.dense.weight.clone()
        train_stage1(run)
        weights[joint] = not torch.equal(before, run.net.decoder.dense.weight)
    assert weights == {False: False, True: True}


@pytest.mark.slow
def test_encoder_and_decoder_do_not_notice_how_often_the_enhancer_is_trained(
    tmp_path: Path,
) -> None:
    runs = {n: context(tmp_path / str(n), enhancer_every=n, stage1_epochs=2) for n in (1, 3)}
    for run in runs.values():
        train_stage1(run)
    often, seldom = (state(run) for run in runs.values())
    different = {n.split(".")[0] for n in often if not torch.equal(often[n], seldom[n])}
    assert different == {"enhancer"}
    # Four steps, of which the enhancer sees all, or the first and the last.
    assert [s["enhancer.layers.1.num_batches_tracked"] for s in (often, seldom)] == [4, 2]
    with pytest.raises(ValueError, match="joint_enhancer"):
        with_options(PAPER, enhancer_every=2, joint_enhancer=True)


def test_stage_1_serves_any_discriminator(tmp_path: Path) -> None:
    run = context(tmp_path)
    train_stage1(run)
    other = context(tmp_path, spectral_norm=True, discriminator_dense=16, sharpen=0.0, w_g=0.1)
    assert finished(stage1(other))
    with pytest.raises(CheckpointError, match="w_r"):
        finished(stage1(context(tmp_path, w_r=1.0)))


def test_instance_noise_fades() -> None:
    recipe = with_options(PAPER, instance_noise=0.1, stage2_epochs=10)
    assert [recipe.noise_at(e) for e in (0, 5, 10, 12)] == pytest.approx([0.1, 0.05, 0, 0])


def test_helpers() -> None:
    assert spread(np.arange(100), 3).tolist() == [0, 50, 99]
    assert spread(np.arange(2), 3).tolist() == [0, 1]
    ramp = torch.arange(4.0).expand(1, 1, 4, 4)
    assert gradient_energy(ramp).item() == 1.0


def test_held_out_images_are_trained_on_only_if_asked_for(tmp_path: Path) -> None:
    run = context(tmp_path)
    run.data.validation[2:4] = True
    assert run.batches(1).rows.tolist() == [0, 1, 4, 5, 6, 7]
    shared = context(tmp_path, share_images=True)
    shared.data.validation[2:4] = True
    assert shared.batches(1).rows.tolist() == list(range(8))
