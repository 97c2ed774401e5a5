"""The meter to ONNX: `onnx_models/meter/meter.onnx`, uint8 crop in, readings out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from app.faces.alignment import EYE_MIDPOINT, INTER_OCULAR
from model_training.meter.config import MeterConfig
from model_training.meter.network import METER_SIZE, MeterNet
from model_training.runs.atomic import write_json
from model_training.runs.checkpoint import load_checkpoint
from model_training.runs.manifest import NAME, read_manifest, sha256_of
from model_training.runs.metadata import config_hash
from model_training.runs.onnx import Example, pictures, write_onnx

FILE = "meter.onnx"
OUTPUTS = ("score", "lip_gap", "eye_opening", "blendshapes")
SOURCES = {
    "london": "Face Research Lab London Set (DeBruine & Jones 2017, CC BY 4.0)",
    "canada": "webmorphR.stim canada portraits (DeBruine, CC BY)",
    "fairface": "FairFace (Karkkainen & Joo 2021, CC BY 4.0)",
    "lfw": "Labeled Faces in the Wild (Huang et al. 2007)",
}


class MeterGraph(nn.Module):
    """uint8 crop in; each quantity an output of its own."""

    def __init__(self, network: MeterNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """uint8 RGB [B, 160, 160, 3] -> score [B], lip gap [B], eye opening [B], [B, 52]."""
        x = image.permute(0, 3, 1, 2).float() / 127.5 - 1
        quantities, blendshapes = self.network(x)
        # Neither can be negative; a regression may say so by a hair.
        score, gap, opening = quantities.clamp_min(0).unbind(1)
        return score, gap, opening, blendshapes.clamp(0, 1)


def load_meter(checkpoint: Path) -> tuple[MeterNet, dict[str, Any]]:
    """The network of a training checkpoint in evaluation mode, and the settings it had."""
    saved = load_checkpoint(checkpoint)
    settings = saved["settings"]
    config = settings["network"]
    network = MeterNet(MeterConfig(**{**config, "widths": tuple(config["widths"])}))
    network.load_state_dict(saved["network"])
    return network.eval(), settings


def _metadata(settings: dict[str, Any], version: str) -> dict[str, str]:
    crop = {"inter_ocular": INTER_OCULAR, "eye_midpoint": EYE_MIDPOINT, "size": METER_SIZE}
    return {
        "name": "stoicnet-meter",
        "version": version,
        "crop_spec": json.dumps(crop),
        "licence": "Apache-2.0",
        "training_data": "; ".join(SOURCES[name] for name in settings["sets"]),
        "labels": "MediaPipe FaceLandmarker (Apache-2.0)",
        "blendshapes": json.dumps(settings["names"]),
        "config_hash": config_hash(settings),
    }


def meter_example() -> Example:
    """What the graph is traced with, and compared on."""
    return Example({"image": pictures(2, METER_SIZE)}, OUTPUTS)


def export_meter(checkpoint: Path, models_dir: Path, version: str) -> Path:
    """Write `meter/meter.onnx`, and its entry `meter` beside `models` in the manifest.

    Beside, because `models` lists what neutralizes faces, and the service loads all of those.

    Args:
        checkpoint: of `train meter`.
        models_dir: `onnx_models`.
        version: semantic version of the weights.

    Returns:
        The graph's path.

    Raises:
        ExportError: the file's output differs from torch's.
    """
    network, settings = load_meter(checkpoint)
    path = models_dir / "meter" / FILE
    write_onnx(MeterGraph(network), meter_example(), path, _metadata(settings, version))
    manifest = read_manifest(models_dir)
    files = {FILE: {"sha256": sha256_of(path), "bytes": path.stat().st_size}}
    manifest["meter"] = {"version": version, "crop_size": METER_SIZE, "files": files, "quality": {}}
    write_json(manifest, models_dir / NAME)
    return path
