"""Training `photo` and its judges on from exported weights."""

from __future__ import annotations

from pathlib import Path

import torch

from model_training.meter.network import MeterNet
from model_training.photo.eyes.network import EyeOpener
from model_training.photo.light.network import LightNet
from model_training.photo.lips.network import LipPainter
from model_training.photo.network import PhotoNet
from model_training.runs.exported import WarmStartError, initializers, load_convolutions


def load_meter(file: Path) -> MeterNet:
    """The meter of an exported `meter.onnx`, in evaluation mode."""
    weights, network = initializers(file), MeterNet()
    load_convolutions(network, weights)
    for name in ("mean", "scale"):
        getattr(network, name).copy_(weights[name])
    return network.eval()


def load_eyes(file: Path) -> EyeOpener:
    """The eye opener of an exported `photo/eyes.onnx`, in evaluation mode."""
    network = EyeOpener()
    load_convolutions(network, initializers(file))
    return network.eval()


def load_light(file: Path) -> LightNet:
    """The network for light of an exported `photo/light.onnx`, in evaluation mode."""
    network = LightNet()
    load_convolutions(network, initializers(file))
    return network.eval()


def load_lips(file: Path) -> LipPainter:
    """The lip painter of an exported `photo/lips.onnx`, in evaluation mode."""
    network = LipPainter()
    load_convolutions(network, initializers(file))
    return network.eval()


@torch.no_grad()
def load_photo_network(network: PhotoNet, file: Path) -> None:
    """Load an exported `photo/network.onnx` of the same sizes.

    Up to 1.6.0 it answered with light, too, behind its other maps: that is left out.

    Raises:
        WarmStartError: the file holds another network.
    """
    weights = initializers(file)
    if "coarse_motion.weight" not in weights:
        raise WarmStartError(f"{file} is no photo network")
    for part in ("weight", "bias"):
        name = f"fine_maps.{part}"
        weights[name] = weights[name][: network.fine_maps.out_channels]
    load_convolutions(network, weights)
