"""`classic` to ONNX: each network, and the fused graph that the service runs.

    encoder.onnx      image float32 [B, C, S, S] in [-1, 1] -> mu, logvar float32 [B, Z]
    neutralizer.onnx  mu -> neutral mu
    decoder.onnx      latent float32 [B, Z] -> image float32 [B, C, S, S]
    enhancer.onnx     image -> image
    fused.onnx        image uint8 [B, S, S, 3], strength float32 [B] -> neutral uint8 [B, S, S, 3]

Large weights are stored in 16 bits.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from app.faces.alignment import EYE_MIDPOINT, INTER_OCULAR
from model_training.classic.networks import ClassicConfig, ClassicNet, Neutralizer
from model_training.classic.networks.pixels import to_image, to_network
from model_training.runs.manifest import update_manifest
from model_training.runs.metadata import config_hash
from model_training.runs.onnx import Example, write_onnx
from model_training.runs.onnx import ExportError as ExportError

MODEL = "classic"
LICENCES = {
    "lfw": "Labeled Faces in the Wild (Huang et al. 2007, 2012; photographs not cleared)",
    "london": "Face Research Lab London Set (DeBruine & Jones 2017, CC BY 4.0)",
    "canada": "webmorphR.stim canada portraits (DeBruine, CC BY)",
    "fairface": "FairFace (Karkkainen & Joo 2021, CC BY 4.0)",
    "pairs": "expressions put on photographs (its pairs)",
    "ck_plus": "CK+ (Lucey et al. 2010, signed agreement)",
}
RESEARCH_ONLY = frozenset({"lfw", "ck_plus"})
"""Sets whose images are for research: so are weights trained on them."""


class FusedClassic(nn.Module):
    """uint8 crop in, uint8 neutral crop out; grey models answer with grey in all three channels."""

    def __init__(self, network: ClassicNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, strength: Tensor) -> Tensor:
        """Neutralize a batch of aligned crops.

        Args:
            image: uint8 RGB [B, S, S, 3].
            strength: float32 [B] in [0, 1]; 0 gives the model's reconstruction.

        Returns:
            uint8 RGB [B, S, S, 3].
        """
        pixels = to_network(image, self.network.config.channels)
        return to_image(self.network(pixels, strength))


@dataclass(frozen=True)
class Description:
    """What goes into a file's metadata (`custom_metadata_map` in ONNX Runtime).

    Attributes:
        version: semantic version of the weights.
        datasets: the sets it was trained on (`data.image_sets`).
        config: sizes of the networks.
    """

    version: str
    datasets: tuple[str, ...]
    config: ClassicConfig

    def metadata(self, name: str) -> dict[str, str]:
        """Key to text, by the contract of the fused graph."""
        crop = {
            "inter_ocular": INTER_OCULAR,
            "eye_midpoint": EYE_MIDPOINT,
            "sizes": [self.config.image_size],
            "colour": "RGB",
        }
        research = RESEARCH_ONLY & set(self.datasets)
        return {
            "name": f"stoicnet-{MODEL}-{name}",
            "version": self.version,
            "crop_spec": json.dumps(crop),
            "licence": "research use only (trained on research data)" if research else "Apache-2.0",
            "training_data": "; ".join(LICENCES.get(d, d) for d in self.datasets),
            "config_hash": config_hash(self.config.to_dict()),
        }


def export_classic(
    network: ClassicNet,
    models_dir: Path,
    version: str,
    datasets: Iterable[str],
    quality: dict[str, object] | None = None,
) -> list[Path]:
    """Write all five files to `models_dir/classic/` and record them in the manifest.

    Args:
        network: trained; put into evaluation mode.
        models_dir: the folder of `manifest.json`.
        version: semantic version of the weights.
        datasets: names of the sets it was trained on.
        quality: measured figures for the manifest.

    Raises:
        ExportError: a file's output differs from torch's.
    """
    network.eval()
    config = network.config
    description = Description(version, tuple(datasets), config)
    side = config.image_size
    image = torch.rand(2, config.channels, side, side) * 2 - 1
    latent = torch.randn(2, config.latent)
    crops = torch.randint(0, 256, (2, side, side, 3), dtype=torch.uint8)
    folder = models_dir / MODEL
    graphs: dict[str, tuple[nn.Module, Example]] = {
        "encoder": (network.encoder, Example({"image": image}, ["mu", "logvar"])),
        "neutralizer": (network.neutralizer, Example({"mu": latent}, ["neutral_mu"])),
        "decoder": (network.decoder, Example({"latent": latent}, ["image"])),
        "enhancer": (network.enhancer, Example({"image": image}, ["enhanced"])),
        "fused": (
            FusedClassic(network),
            Example({"image": crops, "strength": torch.ones(2)}, ["neutral"]),
        ),
    }
    files = []
    for name, (module, example) in graphs.items():
        file = folder / f"{name}.onnx"
        files.append(write_onnx(module, example, file, description.metadata(name), half=True))
    update_manifest(models_dir, MODEL, files, version=version, crop_sizes=(side,), quality=quality)
    return files


def export_neutralizer(neutralizer: Neutralizer, file: Path) -> Path:
    """Write one neutralizer: `mu` float32 [B, Z] -> `neutral_mu` float32 [B, Z]."""
    example = Example({"mu": torch.randn(2, neutralizer.dense.in_features)}, ["neutral_mu"])
    metadata = {"name": f"stoicnet-{file.stem}"}
    return write_onnx(neutralizer, example, file, metadata, half=True)
