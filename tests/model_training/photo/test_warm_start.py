"""Exported weights come back into torch, and training can go on from them."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch

from app.settings import DEFAULT_MODELS_DIR
from model_training.meter.network import METER_SIZE
from model_training.photo.config import PhotoConfig
from model_training.photo.network import WINDOW_SIZE, PhotoMaps, PhotoNet
from model_training.photo.warm_start import (
    WarmStartError,
    load_eyes,
    load_meter,
    load_photo_network,
)
from model_training.runs.exported import settle_norms

PHOTO = DEFAULT_MODELS_DIR / "photo" / "network.onnx"
EYES = DEFAULT_MODELS_DIR / "photo" / "eyes.onnx"
METER = DEFAULT_MODELS_DIR / "meter" / "meter.onnx"


def _inputs() -> torch.Tensor:
    """Smooth noise in [-1, 1]: pictures of nothing, with a photograph's spread."""
    coarse = torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return torch.nn.functional.interpolate(coarse, size=(WINDOW_SIZE, WINDOW_SIZE), mode="bicubic")


def _exported(inputs: torch.Tensor) -> PhotoMaps:
    session = ort.InferenceSession(str(PHOTO), providers=["CPUExecutionProvider"])
    return PhotoMaps(*(torch.from_numpy(m) for m in session.run(None, {"window": inputs.numpy()})))


def _close(found: PhotoMaps, wanted: PhotoMaps, tolerance: float) -> None:
    for name, a, b in zip(PhotoMaps._fields, found, wanted, strict=True):
        # Processors add up in other orders: float32 errs by a share of what is added.
        difference = float((a - b).abs().max() / b.abs().max())
        assert difference <= tolerance, f"{name} differs by {difference} of its most"


@torch.no_grad()
def test_network_answers_as_its_file_before_and_after_settling() -> None:
    torch.manual_seed(0)
    network, inputs = PhotoNet().eval(), _inputs()
    wanted = _exported(inputs)
    load_photo_network(network, PHOTO)
    _close(network(inputs), wanted, 2e-5)
    settle_norms(network, [inputs])
    _close(network(inputs), wanted, 2e-5)
    # In training a batch norm takes its batch's statistics: on what it was settled on, the same.
    network.train()
    flow = network(inputs).upper * network.reach[:, :2]  # which training leaves out
    assert (flow - wanted.upper).abs().max() < 0.1 * wanted.upper.abs().max()


def test_meter_answers_as_its_file() -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, METER_SIZE, METER_SIZE, 3), np.uint8)
    session = ort.InferenceSession(str(METER), providers=["CPUExecutionProvider"])
    wanted = session.run(["score", "lip_gap", "eye_opening"], {"image": image})
    with torch.no_grad():
        crops = torch.from_numpy(image).permute(0, 3, 1, 2).float() / 127.5 - 1
        found = load_meter(METER)(crops).quantities[0]
    assert found.numpy() == pytest.approx([float(v[0]) for v in wanted], abs=1e-3)


def test_other_networks_files_are_refused() -> None:
    with pytest.raises(WarmStartError, match="no photo network"):
        load_photo_network(PhotoNet(), METER)
    with pytest.raises(WarmStartError):
        load_meter(PHOTO)
    with pytest.raises(WarmStartError, match="does not fit"):
        load_photo_network(PhotoNet(PhotoConfig(widths=(8, 16, 32, 64))), PHOTO)


def test_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_meter(tmp_path / "none.onnx")


@torch.no_grad()
def test_eye_opener_answers_as_its_file() -> None:
    opener = load_eyes(EYES)
    generator = torch.Generator().manual_seed(2)
    own, other = (torch.rand(3, 3, 72, 96, generator=generator) * 2 - 1 for _ in range(2))
    session = ort.InferenceSession(str(EYES), providers=["CPUExecutionProvider"])
    wanted = session.run(None, {"own": own.numpy(), "other": other.numpy()})
    for found, expected in zip(opener(own, other), wanted, strict=True):
        assert (found - torch.from_numpy(expected)).abs().max() < 1e-4
