"""The meter on drawn faces: data, geometry of the jitter, training, export, agreement."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
import pytest
import torch

from app.faces.alignment import crop_matrix, cut
from model_training.meter.agreement import Meter, correlations
from model_training.meter.config import LabelledSets, MeterConfig, MeterTrainingConfig
from model_training.meter.data import (
    MeterBatches,
    load_meter_set,
    mirrored_order,
    plain_batch,
    recut,
)
from model_training.meter.export import export_meter, load_meter
from model_training.meter.network import METER_SIZE, MeterNet
from model_training.meter.train import meter_loss, train_meter
from model_training.portraits.split import london_validation_ids
from model_training.runs.checkpoint import load_checkpoint
from model_training.runs.config import Pace

NAMES = ("_neutral", "browDownLeft", "browDownRight", "jawLeft", "jawOpen", "jawRight",
         *(f"other{k}" for k in range(46)))  # fmt: skip
SMALL = MeterConfig(widths=(4, 6, 8, 8, 8), hidden=16, dropout=0.0)


def draw(gap: float, side: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """A face whose mouth is open by `gap` eye distances, and its landmarks [478, 2]."""
    image = np.full((side, side, 3), (205, 170, 150), np.uint8)
    points = np.full((478, 2), side / 2.0)
    right, left = np.array([75.0, 85.0]), np.array([125.0, 85.0])
    half = gap * 25.0
    lid, corner = np.array([0.0, 3.0]), np.array([9.0, 0.0])
    for eye, (up, low, a, b) in ((right, (159, 145, 33, 133)), (left, (386, 374, 362, 263))):
        points[up], points[low], points[a], points[b] = (
            eye - lid,
            eye + lid,
            eye - corner,
            eye + corner,
        )
        cv2.ellipse(image, (int(eye[0]), int(eye[1])), (9, 3), 0, 0, 360, (40, 30, 30), -1)
    points[468], points[473] = right, left
    points[13], points[14] = (100, 130 - half), (100, 130 + half)
    cv2.ellipse(image, (100, 130), (18, max(1, round(half))), 0, 0, 360, (60, 10, 10), -1)
    return image, points


def draw_london(root: Path) -> tuple[Path, Path]:
    """Write a London-like folder of drawn faces, and its landmark table."""
    paths, points, shapes = [], [], []
    for k in range(30):
        gap = 0.4 * k / 29
        image, landmarks = draw(gap)
        path = root / "london" / "neutral" / f"{k:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        paths.append(f"london/neutral/{k:03d}.png")
        points.append(landmarks)
        shapes.append([0.9, *([0.0] * 3), gap * 2, *([0.0] * 47)])
    table = root / "landmarks.npz"
    np.savez(
        table,
        paths=paths,
        points_x16=(np.array(points) * 16).astype(np.int16),
        blendshapes=(np.array(shapes) * 255).astype(np.uint8),
        blendshape_names=NAMES,
        pose_deg=np.zeros((30, 3), np.float16),
    )
    return root / "london", table


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return draw_london(tmp_path_factory.mktemp("drawn"))


def training(drawn: tuple[Path, Path], out: Path, **changes: object) -> MeterTrainingConfig:
    config = MeterTrainingConfig(
        sets=LabelledSets(london=drawn[0]),
        landmarks=drawn[1],
        out=out,
        steps=6,
        batch_size=8,
        network=SMALL,
        threads=1,
        pace=Pace(log=1, checkpoint=3, tensorboard=False),
    )
    return replace(config, **changes)  # type: ignore[arg-type]


def test_labels_belong_to_their_crops_and_validation_people_stay_out(
    drawn: tuple[Path, Path], tmp_path: Path
) -> None:
    data = load_meter_set({"london": drawn[0]}, drawn[1], tmp_path)
    assert data.crops.shape == (30, 192, 192, 3)
    gaps = 0.4 * np.arange(30) / 29
    assert np.allclose(data.labels[:, 1], gaps, atol=0.003)
    assert np.allclose(data.labels[:, 0], 2 * gaps, atol=0.01)  # `_neutral` is not counted
    assert np.allclose(data.labels[:, 2], 6 / 18, atol=0.01)
    held_out = london_validation_ids(f"{k:03d}" for k in range(30))
    assert [data.keys[k][-7:-4] for k in np.flatnonzero(data.validation)] == sorted(held_out)
    images, labels = MeterBatches(data, 64, 0).batch(0)
    assert images.shape == (64, 3, METER_SIZE, METER_SIZE)
    seen = {round(float(v), 3) for v in labels[:, 1]}
    assert seen.isdisjoint(round(float(v), 3) for v in data.labels[data.validation, 1])


def test_batches_depend_on_the_step_alone(drawn: tuple[Path, Path], tmp_path: Path) -> None:
    data = load_meter_set({"london": drawn[0]}, drawn[1], tmp_path)
    first, again = MeterBatches(data, 4, 1), MeterBatches(data, 4, 1)
    first.batch(0)
    assert all(torch.equal(a, b) for a, b in zip(first.batch(5), again.batch(5), strict=True))
    assert not torch.equal(first.batch(5)[0], first.batch(6)[0])


def test_recut_is_what_cutting_with_other_eyes_gives() -> None:
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.integers(0, 255, (240, 240, 3)).astype(np.uint8), (0, 0), 3)
    right, left = np.array([90.0, 110.0]), np.array([150.0, 112.0])
    stored = cut(image, crop_matrix(right, left, 192), 192).image
    error_r, error_l = np.array([0.04, -0.03]), np.array([-0.02, 0.05])
    # Errors are given along the levelled eyes; the photograph's eye line is nearly level here.
    vector = left - right
    across = np.array([-vector[1], vector[0]])
    moved_r = right + error_r[0] * vector + error_r[1] * across
    moved_l = left + error_l[0] * vector + error_l[1] * across
    wanted = cut(image, crop_matrix(moved_r, moved_l, METER_SIZE), METER_SIZE).image
    crops = torch.from_numpy(stored).permute(2, 0, 1)[None].float()
    found = recut(
        crops,
        torch.tensor(error_r, dtype=torch.float32)[None],
        torch.tensor(error_l, dtype=torch.float32)[None],
    )[0].permute(1, 2, 0)
    inner = slice(20, -20)
    difference = np.abs(found.numpy()[inner, inner] - wanted[inner, inner])
    assert difference.mean() < 1.0


def test_mirroring_swaps_sides_and_nothing_else() -> None:
    order = mirrored_order(NAMES)
    assert [NAMES[k] for k in order[:6]] == [
        "_neutral", "browDownRight", "browDownLeft", "jawRight", "jawOpen", "jawLeft",
    ]  # fmt: skip
    assert order[6:] == list(range(6, 52))


def test_loss_worked_out_by_hand() -> None:
    found, wanted = torch.zeros(1, 55), torch.zeros(1, 55)
    wanted[0, 0] = 3.0  # Huber with beta 0.5: 3 - 0.25
    wanted[0, 3] = 0.5  # 0.5 * 0.25 / 0.5
    assert float(meter_loss(found, wanted, 0.5)) == pytest.approx(2.75 / 3 + 0.5 * 0.25 / 52)


@pytest.mark.slow
def test_a_killed_training_resumes_to_the_same_weights(
    drawn: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = load_checkpoint(train_meter(training(drawn, tmp_path / "whole")))
    assert whole["step"] == 6
    config, draw_batch = training(drawn, tmp_path / "killed"), MeterBatches.batch

    def killed(self: MeterBatches, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        if step == 4:
            raise KeyboardInterrupt
        return draw_batch(self, step)

    with monkeypatch.context() as patch:
        patch.setattr(MeterBatches, "batch", killed)
        with pytest.raises(KeyboardInterrupt):
            train_meter(config)
    assert load_checkpoint(config.out / "meter.pt")["step"] == 3
    resumed = load_checkpoint(train_meter(config))
    for name, value in whole["network"].items():
        assert torch.equal(value, resumed["network"][name]), name


@pytest.mark.slow
def test_it_learns_the_mouth_and_exports_what_torch_computes(
    drawn: tuple[Path, Path], tmp_path: Path
) -> None:
    config = training(
        drawn, tmp_path / "run", steps=60, batch_size=16, pace=Pace(60, 200, tensorboard=False)
    )
    checkpoint = train_meter(config)
    path = export_meter(checkpoint, tmp_path / "models", "0.1.0")
    manifest = json.loads((tmp_path / "models" / "manifest.json").read_text())
    assert manifest["models"] == {}
    assert manifest["meter"]["files"]["meter.onnx"]["bytes"] == path.stat().st_size
    network, settings = load_meter(checkpoint)
    data = load_meter_set({"london": drawn[0]}, drawn[1], tmp_path / "run" / "crops")
    rows = np.arange(30)
    crops = (plain_batch(data, rows) * 127.5 + 127.5).round().clamp(0, 255)
    pixels = crops.permute(0, 2, 3, 1).to(torch.uint8).contiguous().numpy()
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs = session.run(["score", "lip_gap", "eye_opening", "blendshapes"], {"image": pixels})
    with torch.no_grad():
        quantities, shapes = network(crops / 127.5 - 1)
    for k in range(3):
        assert np.allclose(outputs[k], quantities[:, k].clamp_min(0).numpy(), atol=1e-4)
    assert np.allclose(outputs[3], shapes.clamp(0, 1).numpy(), atol=1e-4)
    meta = session.get_modelmeta().custom_metadata_map
    assert json.loads(meta["blendshapes"]) == list(NAMES) == settings["names"]
    assert "London" in meta["training_data"]
    read = np.array([Meter(path).read(crop) for crop in pixels])
    found = correlations(read, data.labels[:, :3].astype(np.float64))
    assert found["lip_gap"]["correlation"] > 0.8
    assert found["score"]["correlation"] > 0.8
    assert np.isnan(found["eye_opening"]["correlation"])  # all drawn eyes are alike


def test_correlation_and_error_worked_out_by_hand() -> None:
    wanted = np.array([[1.0, 0.0, 0.1], [2.0, 0.1, 0.2], [3.0, 0.2, 0.3]])
    found = wanted * [2.0, -1.0, 1.0] + [0.0, 0.0, 0.05]
    numbers = correlations(found, wanted)
    assert numbers["score"] == pytest.approx({"correlation": 1.0, "mean absolute error": 2.0})
    assert numbers["lip_gap"]["correlation"] == pytest.approx(-1.0)
    assert numbers["eye_opening"]["mean absolute error"] == pytest.approx(0.05)


def test_gradients_reach_the_picture() -> None:
    network = MeterNet(SMALL).eval()
    noise = torch.randn(1, 3, METER_SIZE, METER_SIZE, generator=torch.Generator().manual_seed(0))
    picture = noise.requires_grad_()
    network(picture).quantities[0, 0].backward()
    assert picture.grad is not None
    assert float(picture.grad.abs().sum()) > 0
