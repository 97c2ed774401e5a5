"""`photo` to ONNX: the bare network, and the fused graph that the service runs.

`fused.onnx` takes and gives uint8, so that what is trained, exported and served cannot disagree
about normalisation: the window, its reduction to 192 px, the network, the warp at full size,
blending and rounding are all inside it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from app.faces.alignment import EYE_MIDPOINT, INTER_OCULAR, PHOTO_CROP_SIZES
from model_training.atomic import atomic_path
from model_training.checkpoint import load_checkpoint
from model_training.data.augment import LUMA
from model_training.export.manifest import update_manifest
from model_training.export.metadata import config_hash, describe
from model_training.networks.eye_guard import EyeGuard
from model_training.networks.photo import (
    CROP_SIZE,
    WINDOW_LEFT,
    WINDOW_SIZE,
    WINDOW_TOP,
    PhotoConfig,
    PhotoNet,
    render,
)

OPSET = 20
LICENCE = "Apache-2.0"
TRAINING_DATA = (
    "Face Research Lab London Set (DeBruine & Jones 2017, CC BY 4.0)",
    "webmorphR.stim canada portraits (DeBruine, CC BY)",
    "FairFace (Karkkainen & Joo 2021, CC BY 4.0)",
)


class FusedPhoto(nn.Module):
    """uint8 crop in, uint8 neutral crop out."""

    def __init__(self, network: PhotoNet) -> None:
        super().__init__()
        self.network = network
        self.eye_guard = EyeGuard()
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
        maps = self.eye_guard(seen, self.network(seen))
        output = render(x, maps, strength, mode="bicubic")
        # Grey in, grey out: paint must not bring colour into a black-and-white photograph.
        spread = (x.amax(1) - x.amin(1)).mean(dim=(1, 2)) * 127.5
        coloured = ((spread - 0.25) * 4).clamp(0, 1).view(-1, 1, 1, 1)
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


def _describe(file: Path, config: PhotoConfig, name: str, version: str) -> None:
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


def _export_fused(network: PhotoNet, file: Path) -> None:
    batch, factor = (
        torch.export.Dim("batch", min=1, max=64),
        torch.export.Dim("ratio", min=1, max=4),
    )
    side = CROP_SIZE * factor
    # Traced with a batch of two: a batch of one would be taken for a constant.
    example = (torch.zeros(2, 512, 512, 3, dtype=torch.uint8), torch.ones(2))
    torch.onnx.export(
        FusedPhoto(network).eval(),
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


def export_photo(network: PhotoNet, models_dir: Path, version: str) -> Path:
    """Write `photo/network.onnx`, `photo/fused.onnx` and their manifest entry.

    Args:
        network: in evaluation mode.
        models_dir: `onnx_models`.
        version: semantic version of the weights.

    Returns:
        The fused graph's path.
    """
    folder = models_dir / "photo"
    for name, write in (("network.onnx", _export_network), ("fused.onnx", _export_fused)):
        with atomic_path(folder / name) as temporary:
            write(network, temporary)
            _describe(temporary, network.config, f"stoicnet-photo-{name[:-5]}", version)
    update_manifest(
        models_dir,
        "photo",
        ["network.onnx", "fused.onnx"],
        version=version,
        crop_sizes=PHOTO_CROP_SIZES,
    )
    return folder / "fused.onnx"
