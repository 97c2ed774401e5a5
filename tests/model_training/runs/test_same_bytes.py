"""The exporter writes the shipped files again, byte by byte, from the weights inside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from torch import nn

from app.settings import DEFAULT_MODELS_DIR
from model_training.meter.export import MeterGraph, meter_example
from model_training.photo.export import eyes_example, lips_example, network_example
from model_training.photo.network import PhotoNet
from model_training.photo.warm_start import load_eyes, load_lips, load_meter, load_photo_network
from model_training.runs.onnx import Example, write_onnx

pytestmark = pytest.mark.slow


def photo_network(file: Path) -> nn.Module:
    network = PhotoNet()
    load_photo_network(network, file)
    return network


@pytest.mark.parametrize(
    ("name", "load", "example"),
    [
        ("photo/network.onnx", photo_network, network_example),
        ("photo/eyes.onnx", load_eyes, eyes_example),
        ("photo/lips.onnx", load_lips, lips_example),
        ("meter/meter.onnx", lambda file: MeterGraph(load_meter(file)), meter_example),
    ],
)
def test_shipped_weights_exported_again_give_the_shipped_file(
    name: str,
    load: Callable[[Path], nn.Module],
    example: Callable[[], Example],
    tmp_path: Path,
) -> None:
    shipped = DEFAULT_MODELS_DIR / name
    metadata = {entry.key: entry.value for entry in onnx.load(str(shipped)).metadata_props}
    again = write_onnx(load(shipped), example(), tmp_path / "again.onnx", metadata)
    assert again.read_bytes() == shipped.read_bytes()
