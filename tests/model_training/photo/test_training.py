"""The photo trainer learns, and an interrupted run ends where an uninterrupted one does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from app.settings import DEFAULT_MODELS_DIR
from model_training.photo.batches import PhotoBatches
from model_training.photo.config import PhotoConfig, PhotoData, PhotoTrainingConfig
from model_training.photo.train import train_photo
from model_training.photo.windows import Shift, Window
from model_training.runs.checkpoint import CheckpointError, load_checkpoint
from model_training.runs.exported import initializers
from model_training.runs.log import read_rows
from tests.model_training.interruption import stopped_at
from tests.model_training.photo_set import write_photo_set


@pytest.fixture
def training(tmp_path: Path) -> PhotoTrainingConfig:
    pairs, prepared = write_photo_set(tmp_path)
    data = PhotoData(
        pairs=(pairs,),
        prepared=prepared,
        synthetic=3,
        smiles=1,
        unchanged=1,
        wild=2,
    )
    return PhotoTrainingConfig(
        data=data,
        out=tmp_path / "run",
        steps=4,
        judged_from=1,
        judged_ramp=1,
        network=PhotoConfig(widths=(4, 4, 8, 8), middle_blocks=1, fine=8),
        save_every=0.0,
        sheet_every=2,
        threads=1,
    )


@pytest.mark.slow
def test_resumed_run_equals_uninterrupted_run(
    training: PhotoTrainingConfig, tmp_path: Path
) -> None:
    whole = load_checkpoint(train_photo(training))

    second = replace(training, out=tmp_path / "again")
    with stopped_at(2):
        train_photo(second)
    assert load_checkpoint(second.out / "photo.pt")["step"] == 2
    resumed = load_checkpoint(train_photo(second))
    assert resumed["step"] == whole["step"] == 4
    for part in ("network", "average"):
        for name, value in whole[part].items():
            assert torch.equal(value, resumed[part][name]), f"{part}.{name}"


@pytest.mark.slow
def test_sheets_and_log_are_written(training: PhotoTrainingConfig) -> None:
    train_photo(replace(training, log_every=2))
    sheets = sorted(p.name for p in (training.out / "sheets").iterdir())
    assert sheets == ["000002.png", "000004.png"]
    rows = read_rows(training.out / "photo.csv")
    assert rows
    assert {"displacement", "line", "opening", "crease", "lips"} <= rows[-1].keys()


@pytest.mark.slow
def test_a_run_refuses_other_settings(training: PhotoTrainingConfig) -> None:
    begun = replace(training, steps=1)
    train_photo(begun)
    heavier = replace(begun.weights, expression=0.5)
    for other, named in (
        (replace(begun, steps=2), r"steps \(1 -> 2\)"),
        (replace(begun, weights=heavier), "weights"),
        (replace(begun, data=replace(begun.data, wild=3)), r"wild \(2 -> 3\)"),
        (replace(begun, meter=DEFAULT_MODELS_DIR / "meter" / "meter.onnx"), "meter"),
    ):
        with pytest.raises(CheckpointError, match=named):
            train_photo(other)


def test_windows_hold_the_face(training: PhotoTrainingConfig) -> None:
    batches = PhotoBatches(training.data)
    rng = np.random.default_rng(0)
    for _ in range(50):
        window = Window.random(rng)
        # Eyes at 113 and chin at about 237 px of the contract's 256 px crop.
        assert 0 <= window.top < 90
        assert 240 < window.top + 192 <= 256
        assert 0 <= window.left < 60
        assert 196 < window.left + 192 <= 256
    batch = batches.draw(rng)
    count = training.data.synthetic + training.data.smiles + training.data.unchanged
    assert batch.neutral.shape == batch.expressive.shape == (count, 3, 256, 256)
    assert torch.equal(batch.neutral[-1], batch.expressive[-1]), "the last is its own target"
    moved = (batch.flow[:, :2].abs() * batch.flow[:, 2:]).amax((1, 2, 3))
    assert moved[count - 1] == 0, "nothing moves between equal pictures"
    assert moved.shape == (count + 2,)
    assert (moved[: count - 1] > 10).all(), "an opening mouth moves"
    assert (moved[count:] > 10).all(), "and so does one whose motion is guessed"
    assert batch.opening[count - 1].max() == 0
    assert batch.opening[count:].flatten(1).sum(1).min() > 100
    lips = batch.lips[:, :, 100, 64]
    assert (lips[:, 0] - lips[:, 1] > 20).all(), "the lower lip's edge lies below the upper one's"
    assert batch.line[:, 0, 20, 64].max() < 0 < batch.line[:, 0, 120, 64].min()
    window = Window.random(rng)
    cut = window.cut(batch.wild)
    assert cut.shape == (2, 3, 192, 192)
    assert window.cut(batch.line).shape == (count + 2, 1, 96, 96)
    assert torch.equal(window.put_back(cut, batch.wild), batch.wild)
    assert torch.equal(window.cut(window.put_back(-cut, batch.wild)), -cut)


def test_maps_are_shifted_with_their_crops() -> None:
    side = 272
    crops = np.arange(2 * side * side, dtype=np.int64).reshape(2, side, side)
    maps = crops[:, ::2, ::2]
    points = np.full((2, 3, 2), 100, np.float32)
    shift = Shift(np.array([1, 0, 1]), side, np.random.default_rng(1))
    assert len(np.unique(shift.corners)) > 2
    cut, cut_maps, moved = shift.of_images(crops), shift.of_images(maps), shift.of_points(points)
    assert cut.shape == (3, 256, 256)
    assert np.array_equal(cut[:, ::2, ::2], cut_maps)
    for row, at, crop in zip((1, 0, 1), moved[:, 0].astype(int), cut, strict=True):
        assert crop[at[1], at[0]] == crops[row, 100, 100]


@pytest.mark.slow
def test_training_goes_on_from_exported_weights_and_asks_the_meter(
    training: PhotoTrainingConfig,
) -> None:
    config = replace(
        training,
        network=PhotoConfig(),
        start_from=DEFAULT_MODELS_DIR / "photo" / "network.onnx",
        meter=DEFAULT_MODELS_DIR / "meter" / "meter.onnx",
        steps=2,
        judged_from=0,
        log_every=1,
        sheet_every=100,
    )
    saved = load_checkpoint(train_photo(config))
    started = initializers(DEFAULT_MODELS_DIR / "photo" / "network.onnx")["down8.0.weight"]
    moved = (saved["network"]["down8.0.weight"] - started).abs().max()
    assert 0 < moved < 0.03, "two warm-up steps away from the exported weights"
    rows = read_rows(config.out / "photo.csv")
    assert float(rows[0]["expression"]) >= 0
    assert float(rows[0]["misread"]) > 0
