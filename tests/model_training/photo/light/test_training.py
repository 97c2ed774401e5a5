"""Training the network for light: it learns, goes on where it was, and comes back from its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from app.settings import DEFAULT_MODELS_DIR
from model_training.photo.config import PatchNetConfig
from model_training.photo.light.batches import LightBatch, LightBatches, shaded
from model_training.photo.light.config import LightData, LightTrainingConfig
from model_training.photo.light.train import light_loss, load_light_net, train_light, unexplained
from model_training.photo.network import PhotoNet
from model_training.runs.checkpoint import CheckpointError
from model_training.runs.config import Pace
from model_training.runs.log import read_rows
from tests.model_training.interruption import goes_on, is_the_average
from tests.model_training.photo_set import write_photo_set


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> LightTrainingConfig:
    root = tmp_path_factory.mktemp("light")
    pairs, prepared = write_photo_set(root)
    return LightTrainingConfig(
        data=LightData((pairs,), prepared, synthetic=2, smiles=2, unchanged=1),
        out=root / "run",
        motion=DEFAULT_MODELS_DIR / "photo" / "network.onnx",
        steps=24,
        learning_rate=5e-3,
        network=PatchNetConfig(widths=(4, 6, 8), fine=8, middle_blocks=1),
        threads=1,
        sheet_every=12,
        pace=Pace(log=1, checkpoint=8, tensorboard=False),
    )


def batch_of(stops: torch.Tensor, trust: torch.Tensor) -> LightBatch:
    """A batch that asks for this light."""
    count, _, *size = stops.shape
    blank = torch.zeros(count, 8, *size)
    return LightBatch(blank[:, :3], blank[:, :4], blank[:, :1], stops, trust)


def test_batches_move_faces_and_say_what_light_they_lack(config: LightTrainingConfig) -> None:
    batches = LightBatches(config.data, PhotoNet())
    batch = batches.draw(np.random.default_rng(2))
    assert batches.images == len(batch.face) == 5
    for part, channels in zip(batch, (3, 4, 1, 1, 1), strict=True):
        assert part.shape == (5, channels, 96, 96)
        assert torch.isfinite(part).all()
    assert batch.stops[4].abs().max() < 1e-4, "a calm face keeps its light"


def test_shades_are_deepened_and_lent_to_other_faces(config: LightTrainingConfig) -> None:
    batches = LightBatches(replace(config.data, lent=1.0), PhotoNet())
    stops = torch.zeros(5, 1, 96, 96)
    stops[2:4, :, 40:50] = 0.3  # the smiles'
    given = batch_of(stops, torch.ones(5, 1, 96, 96))
    calm = torch.linspace(-0.5, 0.5, 5).view(5, 1, 1, 1).expand(5, 3, 96, 96)
    varied = batches._varied(given, calm, np.random.default_rng(0))
    for sample in range(4):
        depth = float(varied.stops[sample, 0, 45, 0])
        assert 0.15 <= depth <= 0.6, "every pair has a smile's shade now"
        wanted = shaded(calm[sample], varied.stops[sample])
        torch.testing.assert_close(varied.face[sample], wanted)
    assert varied.stops[4].abs().max() == 0
    assert torch.equal(varied.face[4], given.face[4])


def test_the_loss_asks_for_the_mean_and_for_darkness_beside_the_face(
    config: LightTrainingConfig,
) -> None:
    trust = torch.zeros(1, 1, 96, 96)
    trust[..., :48] = 1
    batch = batch_of(torch.full((1, 1, 96, 96), 0.2), trust)
    right = torch.full((1, 1, 96, 96), 0.2) * trust
    assert unexplained(batch, right) == 0
    assert unexplained(batch, 0 * right) == pytest.approx(1)
    glow = torch.full((1, 1, 96, 96), 0.2)
    small = light_loss(batch, right, config)
    assert light_loss(batch, 0 * right, config) > small
    assert light_loss(batch, glow, config) > small


@pytest.mark.slow
def test_it_learns_and_goes_on_where_it_was(config: LightTrainingConfig, tmp_path: Path) -> None:
    checkpoint = train_light(config)
    rows = read_rows(config.out / "light.csv")
    left = [row["unexplained"] for row in rows]
    assert np.mean(left[-6:]) < np.mean(left[:6]) - 0.02
    sheet = cv2.imread(str(config.out / "sheets" / "000024.png"))
    assert sheet.shape == (2 * 96, 2 * 5 * 96, 3)

    whole = goes_on(train_light, config, tmp_path, ("network", "average"))
    with pytest.raises(CheckpointError, match=r"even \(0\.002 -> 1\.0\)"):
        train_light(replace(config, even=1.0))

    network = load_light_net(checkpoint)
    assert network.config == config.network
    assert is_the_average(network, whole)
