"""Training what paints lips: it learns, goes on where it was, and comes back from its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from model_training.photo.config import PatchNetConfig
from model_training.photo.lips.batches import LipBatches, lip_heights
from model_training.photo.lips.config import LipData, LipTrainingConfig
from model_training.photo.lips.hiding import DEVIATION, LEAST, hidden
from model_training.photo.lips.train import doubts, judged, load_lip_painter, train_lips
from model_training.runs.checkpoint import CheckpointError
from model_training.runs.config import Pace
from model_training.runs.log import read_rows
from tests.model_training.interruption import goes_on, is_the_average
from tests.model_training.photo_set import LIP_HEIGHTS, write_photo_set


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> LipTrainingConfig:
    root = tmp_path_factory.mktemp("lips")
    pairs, prepared = write_photo_set(root)
    return LipTrainingConfig(
        data=LipData((pairs,), prepared, batch=8),
        out=root / "run",
        steps=48,
        learning_rate=1e-2,
        adversarial_from=36,
        network=PatchNetConfig(widths=(4, 6, 8), fine=8, middle_blocks=1),
        threads=1,
        sheet_every=12,
        pace=Pace(log=1, checkpoint=8, tensorboard=False),
    )


def test_batches_show_spoilt_mouths_and_know_their_line(config: LipTrainingConfig) -> None:
    batch = LipBatches(replace(config.data, batch=12, untouched=1.0)).draw(np.random.default_rng(3))
    assert batch.shown.shape == batch.target.shape == (12, 3, 96, 128)
    assert batch.line.shape == batch.share.shape == (12, 1, 48, 64)
    much = batch.share.amax((1, 2, 3), keepdim=True)
    assert len(much.unique()) > 1, "some are hidden better than others"
    assert much.max() <= 1
    blurred = hidden(batch.target, batch.share / much, DEVIATION * much)
    same = (batch.shown - blurred).abs().flatten(1).amax(1) < 0.01
    assert same.tolist() == (much.flatten() <= 1.01 * LEAST).tolist(), "what is hidden is spoilt"
    assert 0 < same.sum() < 12
    # The drawn mouth is the darkest; the line runs through it.
    dark = batch.target.mean(1).flatten(1).argmin(1)
    rows, columns = dark // 128, dark % 128
    for sample, (row, column) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        assert abs(float(batch.line[sample, 0, row // 2, column // 2])) < 5
        assert batch.near[sample, 0, row, column] > 0.5


def test_heights_of_lips() -> None:
    points = np.zeros((468, 2), np.float32)
    points[[0, 13, 14, 17]] = [[5, 2], [5, 6], [5, 7], [5, 15]]
    assert lip_heights(points).tolist() == [4.0, 8.0]
    assert len(LIP_HEIGHTS) == 2


def test_the_critic_compares_two_pictures_of_one_mouth() -> None:
    better, worse = torch.tensor([2.0, 0.0]), torch.tensor([-8.0, 0.0])
    # log(1 + exp(-10)), and log 2 where it cannot tell.
    assert doubts(better, worse).item() == pytest.approx((4.54e-5 + 0.6931) / 2, rel=1e-3)
    assert doubts(worse, better) > doubts(better, worse)


def test_the_critic_sees_all_skins_and_lights_alike() -> None:
    mouths = torch.rand(1, 3, 96, 128, generator=torch.Generator().manual_seed(0)) - 0.5
    dark = mouths * 0.4 - torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1)
    assert torch.allclose(judged(mouths), judged(dark), atol=0.2)
    assert judged(mouths).std() == pytest.approx(0.5, abs=0.05)


@pytest.mark.slow
def test_it_learns_and_goes_on_where_it_was(config: LipTrainingConfig, tmp_path: Path) -> None:
    checkpoint = train_lips(config)
    rows = read_rows(config.out / "lips.csv")
    begun, done = (np.mean([r["rebuild"] for r in part]) for part in (rows[:12], rows[-12:]))
    assert done < 0.85 * begun
    assert ["found" in row for row in rows] == [False] * 36 + [True] * 12
    sheet = cv2.imread(str(config.out / "sheets" / "000048.png"))
    assert sheet.shape == (2 * 96, 4 * 3 * 128, 3)

    whole = goes_on(train_lips, config, tmp_path, ("network", "average", "critic"))
    with pytest.raises(CheckpointError, match=r"near \(3\.0 -> 2\.0\)"):
        train_lips(replace(config, near=2.0))

    network = load_lip_painter(checkpoint)
    assert network.config == config.network
    assert is_the_average(network, whole)
