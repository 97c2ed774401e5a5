"""Training what opens eyes: it learns, goes on where it was, and comes back from its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from model_training.photo.config import PatchNetConfig
from model_training.photo.eyes.config import EyeData, EyeSetConfig
from model_training.photo.eyes.prepare import prepare_eyes
from model_training.photo.eyes.train import (
    EyeTrainingConfig,
    gate_loss,
    load_eye_opener,
    train_eyes,
)
from model_training.runs.checkpoint import CheckpointError
from model_training.runs.config import Pace
from model_training.runs.log import read_rows
from tests.model_training.drawn_eyes import make_faces
from tests.model_training.interruption import goes_on, is_the_average


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> EyeTrainingConfig:
    root = tmp_path_factory.mktemp("eyes")
    table = make_faces(root)
    prepare_eyes(EyeSetConfig(root, table, root / "prepared", workers=1))
    return EyeTrainingConfig(
        data=EyeData(root / "prepared", drawn=6, from_renderer=0, opened=2, real=4),
        out=root / "run",
        steps=24,
        learning_rate=5e-3,
        adversarial_from=12,
        network=PatchNetConfig(widths=(4, 6, 8), fine=8, middle_blocks=1),
        threads=1,
        sheet_every=12,
        pace=Pace(log=1, checkpoint=8, tensorboard=False),
    )


def test_gate_loss_by_hand() -> None:
    logit, label = torch.tensor([0.0, 2.0, 9.0]), torch.tensor([1.0, 0.0, 0.5])
    wanted = (np.log(2) + np.log1p(np.exp(2.0))) / 2
    assert float(gate_loss(logit, label)) == pytest.approx(wanted, rel=1e-5)
    assert float(gate_loss(logit[2:], label[2:])) == 0.0


@pytest.mark.slow
def test_it_learns_and_goes_on_where_it_was(config: EyeTrainingConfig, tmp_path: Path) -> None:
    checkpoint = train_eyes(config)
    rows = read_rows(config.out / "eyes.csv")
    assert np.mean([r["rebuild"] for r in rows[8:12]]) < 0.9 * np.mean(
        [r["rebuild"] for r in rows[:4]]
    )
    assert {"D(real)", "D(output)"} <= rows[-1].keys()
    sheet = cv2.imread(str(config.out / "sheets" / "000024.png"))
    assert sheet.shape == (2 * 72, 6 * 3 * 96, 3)

    whole = goes_on(train_eyes, config, tmp_path, ("network", "critic", "average"))
    with pytest.raises(CheckpointError, match=r"paint \(0\.5 -> 0\.7\)"):
        train_eyes(replace(config, paint=0.7))

    network = load_eye_opener(checkpoint)
    assert network.config == config.network
    assert is_the_average(network, whole)
