"""`photo` to ONNX: the bare networks, and the fused graph that the service runs.

`fused.onnx` takes and gives uint8, so that what is trained, exported and served cannot disagree
about normalisation: the window, its reduction to 192 px, the network, the warp at full size,
blending and rounding are all inside it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from app.faces.alignment import EYE_MIDPOINT, INTER_OCULAR, PHOTO_CROP_SIZES
from model_training.photo.eye_guard import EyeGuard
from model_training.photo.eyes.network import (
    PATCH_HEIGHT,
    PATCH_WIDTH,
    EyeOpener,
    EyeOpenerConfig,
    open_eyes,
)
from model_training.photo.lip_colour import LipColour
from model_training.photo.network import (
    CROP_SIZE,
    WINDOW_LEFT,
    WINDOW_SIZE,
    WINDOW_TOP,
    PhotoConfig,
    PhotoNet,
    render,
)
from model_training.photo.soft_shade import soft_shade
from model_training.portraits.luma import LUMA
from model_training.runs.atomic import atomic_path
from model_training.runs.checkpoint import load_checkpoint
from model_training.runs.manifest import update_manifest
from model_training.runs.metadata import config_hash, describe

OPSET = 20
LICENCE = "Apache-2.0"
TRAINING_DATA = (
    "Face Research Lab London Set (DeBruine & Jones 2017, CC BY 4.0)",
    "webmorphR.stim canada portraits (DeBruine, CC BY)",
    "FairFace (Karkkainen & Joo 2021, CC BY 4.0)",
)


class FusedPhoto(nn.Module):
    """uint8 crop in, uint8 neutral crop out."""

    def __init__(self, network: PhotoNet, eyes: EyeOpener) -> None:
        super().__init__()
        self.network = network
        self.eyes = eyes
        self.eye_guard = EyeGuard()
        self.lip_colour = LipColour()
        self.register_buffer("luma", torch.tensor(LUMA).view(1, 3, 1, 1))

    def forward(self, image: Tensor, strength: Tensor) -> Tensor:
        """Neutralize a batch of aligned crops.

        Args:
            image: uint8 RGB [B, S, S, 3], S a multiple of 256.
            strength: float32 [B] in [0, 1].

        Returns:
            uint8 RGB [B, S, S, 3].
        """
        batch, ratio = image.shape[0], image.shape[1] // CROP_SIZE
        top, left, side = WINDOW_TOP * ratio, WINDOW_LEFT * ratio, WINDOW_SIZE * ratio
        rows = image[:, top : top + side]
        x = rows[:, :, left : left + side].permute(0, 3, 1, 2).float() / 127.5 - 1
        # The mean over ratio x ratio blocks: an exact area reduction on every runtime.
        blocks = x.reshape(batch, 3, WINDOW_SIZE, ratio, WINDOW_SIZE, ratio)
        seen = blocks.mean(dim=(3, 5))
        opened = open_eyes(self.eyes, x, ratio)
        maps = soft_shade(self.eye_guard(seen, self.network(seen), opened.amount))
        output = render(x, maps, strength, mode="bicubic")
        cover = opened.cover * strength.view(-1, 1, 1, 1)
        output = output + cover * (opened.paint - output)
        # Grey in, grey out: paint must not bring colour into a black-and-white photograph.
        spread = (x.amax(1) - x.amin(1)).mean(dim=(1, 2)) * 127.5
        coloured = ((spread - 0.25) * 4).clamp(0, 1).view(-1, 1, 1, 1)
        coloured = coloured * self.lip_colour(seen, x, output)
        grey = (output * self.luma).sum(1, keepdim=True)
        output = grey + (output - grey) * coloured
        levels = ((output + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
        middle = torch.cat([rows[:, :, :left], levels, rows[:, :, left + side :]], 2)
        return torch.cat([image[:, :top], middle, image[:, top + side :]], 1)


def load_photo(checkpoint: Path) -> PhotoNet:
    """The averaged network of a training checkpoint, in evaluation mode."""
    saved = load_checkpoint(checkpoint)
    config = saved["network_config"]
    network = PhotoNet(PhotoConfig(**{**config, "widths": tuple(config["widths"])}))
    network.load_state_dict(saved["average"])
    return network.eval()


def _describe(file: Path, config: PhotoConfig | EyeOpenerConfig, name: str, version: str) -> None:
    """Write the contract's metadata into an ONNX file."""
    crop = {
        "inter_ocular": INTER_OCULAR,
        "eye_midpoint": EYE_MIDPOINT,
        "sizes": PHOTO_CROP_SIZES,
        "colour": "RGB",
    }
    metadata = {
        "name": name,
        "version": version,
        "crop_spec": json.dumps(crop),
        "licence": LICENCE,
        "training_data": "; ".join(TRAINING_DATA),
        "config_hash": config_hash(asdict(config)),
    }
    describe(file, metadata)


def _export_fused(network: PhotoNet, eyes: EyeOpener, file: Path) -> None:
    batch, factor = (
        torch.export.Dim("batch", min=1, max=64),
        torch.export.Dim("ratio", min=1, max=4),
    )
    side = CROP_SIZE * factor
    # Traced with a batch of two: a batch of one would be taken for a constant.
    example = (torch.zeros(2, 512, 512, 3, dtype=torch.uint8), torch.ones(2))
    torch.onnx.export(
        FusedPhoto(network, eyes).eval(),
        example,
        str(file),
        input_names=["image", "strength"],
        output_names=["neutral"],
        dynamic_shapes={"image": {0: batch, 1: side, 2: side}, "strength": {0: batch}},
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def _export_network(network: PhotoNet, file: Path) -> None:
    torch.onnx.export(
        network,
        (torch.zeros(2, 3, WINDOW_SIZE, WINDOW_SIZE),),
        str(file),
        input_names=["window"],
        output_names=["flow", "mask", "paint", "shade"],
        dynamic_shapes={"x": {0: torch.export.Dim("batch", min=1, max=64)}},
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def _export_eyes(eyes: EyeOpener, file: Path) -> None:
    # Two tensors: given one twice, the exporter reads both inputs from the first.
    own, other = (torch.rand(2, 3, PATCH_HEIGHT, PATCH_WIDTH) for _ in range(2))
    batch = torch.export.Dim("batch", min=1, max=128)
    torch.onnx.export(
        eyes,
        (own, other),
        str(file),
        input_names=["own", "other"],
        output_names=["paint", "cover", "shut"],
        dynamic_shapes={"own": {0: batch}, "other": {0: batch}},
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def export_photo(network: PhotoNet, eyes: EyeOpener, models_dir: Path, version: str) -> Path:
    """Write `photo/network.onnx`, `eyes.onnx`, `fused.onnx` and their manifest entry.

    Args:
        network: in evaluation mode.
        eyes: what opens closed eyes, in evaluation mode.
        models_dir: `onnx_models`.
        version: semantic version of the weights.

    Returns:
        The fused graph's path.
    """
    folder = models_dir / "photo"
    write: dict[str, tuple[Callable[[Path], None], PhotoConfig | EyeOpenerConfig]] = {
        "network.onnx": (partial(_export_network, network), network.config),
        "eyes.onnx": (partial(_export_eyes, eyes), eyes.config),
        "fused.onnx": (partial(_export_fused, network, eyes), network.config),
    }
    for name, (export, config) in write.items():
        with atomic_path(folder / name) as temporary:
            export(temporary)
            _describe(temporary, config, f"stoicnet-photo-{name[:-5]}", version)
    update_manifest(
        models_dir,
        "photo",
        list(write),
        version=version,
        crop_sizes=PHOTO_CROP_SIZES,
    )
    return folder / "fused.onnx"
