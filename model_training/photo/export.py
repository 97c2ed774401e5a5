"""`photo` to ONNX: the bare networks, the fused graph that the service runs, and what renders."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from app.faces.alignment import EYE_MIDPOINT, INTER_OCULAR, PHOTO_CROP_SIZES
from model_training.photo.config import PatchNetConfig, PhotoConfig
from model_training.photo.eyes.network import (
    PATCH_HEIGHT,
    PATCH_WIDTH,
    EyeOpener,
)
from model_training.photo.graphs import FusedPhoto, PhotoRender
from model_training.photo.light.network import LightNet
from model_training.photo.lips.network import LipPainter
from model_training.photo.lips.place import PATCH_HEIGHT as MOUTH_HEIGHT
from model_training.photo.lips.place import PATCH_WIDTH as MOUTH_WIDTH
from model_training.photo.network import (
    CROP_SIZE,
    MAP_SIZE,
    MAP_STEP,
    WINDOW_LEFT,
    WINDOW_SIZE,
    WINDOW_TOP,
    PhotoMaps,
    PhotoNet,
)
from model_training.photo.render import REGIONS, enlarge
from model_training.runs.averages import load_average
from model_training.runs.manifest import update_manifest
from model_training.runs.metadata import config_hash
from model_training.runs.onnx import Example, pictures, write_onnx

Sizes = PhotoConfig | PatchNetConfig
LICENCE = "Apache-2.0"
WINDOW = {"crop": CROP_SIZE, "top": WINDOW_TOP, "left": WINDOW_LEFT, "side": WINDOW_SIZE}
"""What of a crop the bare network looks at, as its file says it, in pixels."""
TRAINING_DATA = (
    "Face Research Lab London Set (DeBruine & Jones 2017, CC BY 4.0)",
    "webmorphR.stim canada portraits (DeBruine, CC BY)",
    "FairFace (Karkkainen & Joo 2021, CC BY 4.0)",
)


def load_photo(checkpoint: Path) -> PhotoNet:
    """The averaged network of a training checkpoint, in evaluation mode."""
    return load_average(checkpoint, lambda sizes: PhotoNet(PhotoConfig(**sizes)))


def _metadata(config: Sizes, name: str, version: str) -> dict[str, str]:
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
        **({"regions": json.dumps(REGIONS)} if name.endswith(("fused", "render")) else {}),
        **({"window": json.dumps(WINDOW)} if name.endswith("network") else {}),
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


def render_example() -> Example:
    """What the render is traced with, and compared on."""
    draw, side = (
        torch.Generator().manual_seed(0),
        CROP_SIZE * torch.export.Dim("ratio", min=1, max=4),
    )

    def soft(channels: int, low: float, high: float) -> Tensor:
        coarse = torch.rand(2, channels, 6, 6, generator=draw) * (high - low) + low
        return enlarge(coarse, MAP_SIZE)

    return Example(
        {
            "image": pictures(2, 2 * CROP_SIZE),
            "upper": soft(2, -0.05, 0.05),
            "lower": soft(2, -0.05, 0.05),
            "line": soft(1, -10, 10),
            "opening": soft(1, 0, 1),
            "crease": soft(1, 0, 1),
            "strength": torch.tensor([1.0, 0.7]),
            "regions": torch.tensor([[1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]),
        },
        ["neutral"],
        sizes={"image": {1: side, 2: side}},
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


def light_example() -> Example:
    """What the network for light is traced with, and compared on."""
    draw = torch.Generator().manual_seed(0)

    def maps(channels: int) -> Tensor:
        return torch.rand(2, channels, MAP_SIZE, MAP_SIZE, generator=draw) * 2 - 1

    moved = {"face": maps(3), "motion": 0.1 * maps(4), "line": 20 * maps(1)}
    return Example(moved, ["stops"])


def lips_example() -> Example:
    """What the lip painter is traced with, and compared on."""
    draw = torch.Generator().manual_seed(0)
    mouth = torch.rand(2, 3, MOUTH_HEIGHT, MOUTH_WIDTH, generator=draw) * 2 - 1
    small = (MOUTH_HEIGHT // MAP_STEP, MOUTH_WIDTH // MAP_STEP)
    line = torch.linspace(-20, 20, small[0]).view(1, 1, -1, 1).expand(2, 1, *small).contiguous()
    share = torch.rand(2, 1, *small, generator=draw)
    return Example({"mouth": mouth, "line": line, "share": share}, ["stops"])


def export_photo(
    network: PhotoNet,
    light: LightNet,
    eyes: EyeOpener,
    lips: LipPainter,
    models_dir: Path,
    version: str,
) -> Path:
    """Write `photo/` network, render, light, eyes, lips, `fused.onnx` and their manifest entry.

    Args:
        network: in evaluation mode.
        light: what takes an expression's shade away, in evaluation mode.
        eyes: what opens closed eyes, in evaluation mode.
        lips: what paints lips, in evaluation mode.
        models_dir: `onnx_models`.
        version: semantic version of the weights.

    Returns:
        The fused graph's path.

    Raises:
        ExportError: a file's output differs from torch's.
    """
    folder = models_dir / "photo"
    graphs: dict[str, tuple[nn.Module, Example, Sizes]] = {
        "network": (network, network_example(), network.config),
        "render": (PhotoRender(light, lips), render_example(), network.config),
        "light": (light, light_example(), light.config),
        "eyes": (eyes, eyes_example(), eyes.config),
        "lips": (lips, lips_example(), lips.config),
        "fused": (FusedPhoto(network, light, eyes, lips), fused_example(), network.config),
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
