"""`photo` to ONNX: the bare networks, and the fused graph that the service runs.

`fused.onnx` takes and gives uint8, so that what is trained, exported and served cannot disagree
about normalisation: the window, its reduction to 192 px, the network, the warp at full size,
blending and rounding are all inside it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from app.faces.alignment import EYE_MIDPOINT, INTER_OCULAR, PHOTO_CROP_SIZES
from model_training.photo.config import PhotoConfig
from model_training.photo.eyes.config import EyeOpenerConfig
from model_training.photo.eyes.network import (
    PATCH_HEIGHT,
    PATCH_WIDTH,
    EyeOpener,
    eye_areas,
    open_eyes,
)
from model_training.photo.network import (
    CROP_SIZE,
    MAP_SIZE,
    WINDOW_LEFT,
    WINDOW_SIZE,
    WINDOW_TOP,
    PhotoMaps,
    PhotoNet,
)
from model_training.photo.render import REGIONS, region_shares, render_sharp
from model_training.portraits.luma import LUMA
from model_training.runs.averages import WeightAverage
from model_training.runs.checkpoint import load_checkpoint
from model_training.runs.manifest import update_manifest
from model_training.runs.metadata import config_hash
from model_training.runs.onnx import Example, pictures, write_onnx

LICENCE = "Apache-2.0"
TRAINING_DATA = (
    "Face Research Lab London Set (DeBruine & Jones 2017, CC BY 4.0)",
    "webmorphR.stim canada portraits (DeBruine, CC BY)",
    "FairFace (Karkkainen & Joo 2021, CC BY 4.0)",
)


class FusedPhoto(nn.Module):
    """uint8 crop in, uint8 neutral crop out."""

    luma: Tensor
    shares: Tensor
    eye_areas: Tensor

    def __init__(self, network: PhotoNet, eyes: EyeOpener) -> None:
        super().__init__()
        self.network = network
        self.eyes = eyes
        self.register_buffer("luma", torch.tensor(LUMA).view(1, 3, 1, 1))
        self.register_buffer("shares", region_shares())
        self.register_buffer("eye_areas", eye_areas(MAP_SIZE))

    def forward(self, image: Tensor, strength: Tensor, regions: Tensor) -> Tensor:
        """Neutralize a batch of aligned crops.

        Args:
            image: uint8 RGB [B, S, S, 3], S a multiple of 256.
            strength: float32 [B] in [0, 1].
            regions: float32 [B, 3] in [0, 1], how much of it brows, eyes and mouth get.

        Returns:
            uint8 RGB [B, S, S, 3].
        """
        batch, ratio = image.shape[0], image.shape[1] // CROP_SIZE
        top, left, side = WINDOW_TOP * ratio, WINDOW_LEFT * ratio, WINDOW_SIZE * ratio
        rows = image[:, top : top + side]
        x = rows[:, :, left : left + side].permute(0, 3, 1, 2).float() / 127.5 - 1
        # The mean over ratio x ratio blocks: an exact area reduction on every runtime.
        blocks = x.reshape(batch, 3, WINDOW_SIZE, ratio, WINDOW_SIZE, ratio)
        opened = open_eyes(self.eyes, x, ratio)
        wanted = strength.view(-1, 1) * regions
        amount = sum(wanted[:, i].view(-1, 1, 1, 1) * self.shares[i] for i in range(len(REGIONS)))
        # An eye that is painted anew is not moved as well.
        taken = (opened.amount[:, :, None, None, None] * self.eye_areas[:, None]).amax(0)
        maps = self.network(blocks.mean(dim=(3, 5)))
        output = render_sharp(x, maps, amount * (1 - taken))
        cover = opened.cover * wanted[:, REGIONS.index("eyes")].view(-1, 1, 1, 1)
        output = output + cover * (opened.paint - output)
        # Grey in, grey out: light and paint bring no colour into a black-and-white photograph.
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
    sizes = saved["settings"]["network"]
    average = WeightAverage(PhotoNet(PhotoConfig(**{**sizes, "widths": tuple(sizes["widths"])})))
    average.load_state_dict(saved["average"])
    return cast(PhotoNet, average.module)


def _metadata(config: PhotoConfig | EyeOpenerConfig, name: str, version: str) -> dict[str, str]:
    """What the contract has a file say of itself; which regions it knows is the fused graph's."""
    crop = {
        "inter_ocular": INTER_OCULAR,
        "eye_midpoint": EYE_MIDPOINT,
        "sizes": PHOTO_CROP_SIZES,
        "colour": "RGB",
    }
    return {
        "name": name,
        "version": version,
        "crop_spec": json.dumps(crop),
        "licence": LICENCE,
        "training_data": "; ".join(TRAINING_DATA),
        "config_hash": config_hash(asdict(config)),
        **({"regions": json.dumps(REGIONS)} if name.endswith("fused") else {}),
    }


def fused_example() -> Example:
    """What the fused graph is traced with, and compared on: all four sizes."""
    side = CROP_SIZE * torch.export.Dim("ratio", min=1, max=4)
    return Example(
        {
            "image": pictures(2, 2 * CROP_SIZE),
            "strength": torch.tensor([1.0, 0.7]),
            "regions": torch.tensor([[1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]),
        },
        ["neutral"],
        defaults={"regions": torch.ones(1, len(REGIONS))},
        sizes={"image": {1: side, 2: side}},
        others=[
            (pictures(1, size), torch.ones(1), torch.ones(1, len(REGIONS)))
            for size in PHOTO_CROP_SIZES
        ],
    )


def network_example() -> Example:
    """What the bare network is traced with, and compared on."""
    seen = pictures(2, WINDOW_SIZE).permute(0, 3, 1, 2).contiguous() / 127.5 - 1
    return Example({"window": seen}, list(PhotoMaps._fields))


def eyes_example() -> Example:
    """What the eye opener is traced with, and compared on."""
    draw = torch.Generator().manual_seed(0)
    shape = 2, 3, PATCH_HEIGHT, PATCH_WIDTH
    patches = {name: torch.rand(shape, generator=draw) for name in ("own", "other")}
    return Example(patches, ["paint", "cover", "shut"])


def export_photo(network: PhotoNet, eyes: EyeOpener, models_dir: Path, version: str) -> Path:
    """Write `photo/network.onnx`, `eyes.onnx`, `fused.onnx` and their manifest entry.

    Args:
        network: in evaluation mode.
        eyes: what opens closed eyes, in evaluation mode.
        models_dir: `onnx_models`.
        version: semantic version of the weights.

    Returns:
        The fused graph's path.

    Raises:
        ExportError: a file's output differs from torch's.
    """
    folder = models_dir / "photo"
    graphs: dict[str, tuple[nn.Module, Example, PhotoConfig | EyeOpenerConfig]] = {
        "network": (network, network_example(), network.config),
        "eyes": (eyes, eyes_example(), eyes.config),
        "fused": (FusedPhoto(network, eyes), fused_example(), network.config),
    }
    files = [
        write_onnx(
            module,
            example,
            folder / f"{name}.onnx",
            _metadata(config, f"stoicnet-photo-{name}", version),
        )
        for name, (module, example, config) in graphs.items()
    ]
    update_manifest(
        models_dir,
        "photo",
        files,
        version=version,
        crop_sizes=PHOTO_CROP_SIZES,
    )
    return folder / "fused.onnx"
