"""The shipped photo model in int8 and in half precision, on a real face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from skimage import data

from app.faces.alignment import crop_matrix, cut
from app.faces.detector import FaceDetector
from app.inference.registry import load_models
from app.inference.runtime import RuntimeOptions
from app.settings import DEFAULT_MODELS_DIR
from model_training.graphs.reduced import compare, to_half, to_int8, write_models
from model_training.runs.manifest import read_manifest

Image = NDArray[np.uint8]


@pytest.fixture(scope="module")
def graph() -> bytes:
    return (DEFAULT_MODELS_DIR / "photo" / "fused.onnx").read_bytes()


@pytest.fixture(scope="module")
def unreduced(graph: bytes) -> int:
    """Bytes of the eye opener's weights, which stay float32."""
    weights = onnx.load_from_string(graph).graph.initializer
    return sum(len(w.raw_data) for w in weights if w.name.startswith("eyes."))


@pytest.fixture(scope="module")
def crops() -> list[Image]:
    """A smiling face, once as it is and once mirrored and larger."""
    portrait = np.asarray(data.astronaut(), np.uint8)
    pictures = [(portrait, 256), (np.ascontiguousarray(portrait[:, ::-1]), 512)]
    eyes = [FaceDetector().detect(picture)[0].landmarks[:2] for picture, _ in pictures]
    return [
        cut(picture, crop_matrix(right, left, size), size).image
        for (picture, size), (right, left) in zip(pictures, eyes, strict=True)
    ]


def test_half_precision_stays_within_a_grey_level(
    graph: bytes, unreduced: int, crops: list[Image]
) -> None:
    half = to_half(graph)
    weights = onnx.load_from_string(half).graph.initializer
    assert sum(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in weights) >= 24
    assert len(half) - unreduced < 0.6 * (len(graph) - unreduced)
    difference = compare(graph, half, crops, repeats=1)
    # Where two layers meet, the last bit decides which of them a pixel is taken from.
    assert difference.p999 <= 1
    assert difference.mean < 0.01


@pytest.mark.slow
def test_int8_is_close_and_serves(
    graph: bytes, unreduced: int, crops: list[Image], tmp_path: Path
) -> None:
    int8 = to_int8(graph, crops[:1])
    assert 0 < unreduced < 0.2 * len(graph)
    assert len(int8) - unreduced < 0.4 * (len(graph) - unreduced)
    difference = compare(graph, int8, crops[1:], repeats=1)
    assert 0 < difference.mean < 1
    assert difference.p999 <= 12
    folder = tmp_path / "models"
    write_models(DEFAULT_MODELS_DIR, folder, "photo", int8)
    assert read_manifest(folder)["models"]["photo"]["quality"] == {}
    model = load_models(folder, RuntimeOptions("cpu", intra_op_threads=1))["photo"]
    answer = model.neutralize(crops[0], 1.0)
    assert answer.shape == crops[0].shape
    assert np.abs(answer.astype(int) - crops[0]).max() > 20, "it still removes the smile"


def test_int8_needs_crops(graph: bytes) -> None:
    with pytest.raises(ValueError, match="crops"):
        to_int8(graph, [])
