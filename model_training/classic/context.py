"""What the stages of `classic` share: batches on the device, validation measures and sheets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model_training.classic import losses
from model_training.classic.image_batches import ImageBatches
from model_training.classic.networks import ClassicNet
from model_training.classic.networks.pixels import to_network
from model_training.classic.pair_sets import PairSet
from model_training.classic.perceptual import EfficientNetFeatures
from model_training.classic.recipe import ClassicRecipe
from model_training.classic.sheets import reconstruction_sheet
from model_training.portraits.crops import CropCache
from model_training.runs.compute import Compute
from model_training.runs.config import Pace
from model_training.runs.distributed import ALONE, Workers

MEASURED_IMAGES, SHEET_IMAGES = 256, 10


@dataclass(frozen=True)
class ClassicContext:
    """A run of `classic`.

    Attributes:
        recipe: every hyper-parameter.
        net: the networks, on the device.
        data: crops at the network's size.
        out: folder of the run.
        compute: device and precision of stages 1 and 2.
        pace: how often to log and save.
        sheet_epochs: epochs between two reconstruction sheets, and measurements.
        workers: the processes that train together.
        pairs: what the joint stage draws from.
    """

    recipe: ClassicRecipe
    net: ClassicNet
    data: CropCache
    out: Path
    compute: Compute
    pace: Pace
    sheet_epochs: int = 5
    workers: Workers = ALONE
    pairs: Sequence[PairSet] = ()

    def batches(self, stage: int) -> ImageBatches:
        """Training people's images; each stage has its own order."""
        recipe = self.recipe
        rows = np.flatnonzero(~self.data.validation | recipe.share_images)
        return ImageBatches(
            self.data.crops,
            rows,
            recipe.batch_size,
            recipe.network.channels,
            seed=recipe.seed * 10 + stage,
            flip=recipe.flip,
            workers=self.workers,
        )

    def to_device(self, images: Tensor) -> Tensor:
        """Batch to the device, in the memory layout convolutions like best."""
        images = images.contiguous(memory_format=torch.channels_last)
        (sent,) = self.compute.send(self.compute.pinned((images,)))
        return sent

    def adam(self, network: nn.Module, lr: float, beta1: float | None = None) -> torch.optim.Adam:
        """Adam, as published if no other beta1 is given: 0.5."""
        betas = (self.recipe.beta1 if beta1 is None else beta1, 0.999)
        return torch.optim.Adam(network.parameters(), lr, betas=betas, fused=True)

    def perceptual_features(self) -> EfficientNetFeatures | None:
        """The frozen feature network, if the recipe names one that does not train along."""
        if self.recipe.perceptual != "efficientnet":
            return None
        features = EfficientNetFeatures()
        self.compute.place(features)
        return features

    def after_epoch(self, stage: str, last: int) -> Callable[[int], dict[str, float]]:
        """A function that measures and draws validation people.

        It does so after the first, every `sheet_epochs`-th and the last epoch, numbered `last`.
        """
        seen = spread(np.flatnonzero(self.data.validation), MEASURED_IMAGES)
        if not len(seen):
            return lambda _: {}
        images = to_network(torch.from_numpy(self.data.crops[seen]), self.recipe.network.channels)
        shown = images[spread(np.arange(len(seen)), SHEET_IMAGES)]

        def measure(epoch: int) -> dict[str, float]:
            if epoch % self.sheet_epochs and epoch not in (1, last):
                return {}
            file = self.out / "sheets" / f"{stage}-epoch-{epoch:04d}.png"
            reconstruction_sheet(self.net, self.to_device(shown), file)
            return measure_reconstruction(self, images)

        return measure


def spread(rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """At most `count` of the rows, evenly spread and in order."""
    if len(rows) <= count:
        return rows
    return rows[np.linspace(0, len(rows) - 1, count).round().astype(np.int64)]


@torch.no_grad()
def measure_reconstruction(context: ClassicContext, images: Tensor) -> dict[str, float]:
    """Validation figures through mu alone: squared errors, divergence, sharpness.

    Args:
        context: the run.
        images: float32 [N, C, S, S] in [-1, 1].

    Returns:
        `val_rec1` and `val_rec_enhanced` (mean squared error of the decoded and the enhanced image
        to the input), `val_kl`, and `val_sharpness_*`: gradient energy relative to the input's.
    """
    net, sums = context.net.eval(), np.zeros(6)
    for batch in images.split(64):
        image = context.to_device(batch)
        with context.compute.autocast():
            mu, logvar = net.encoder(image)
            decoded = net.decoder(mu)
            enhanced = net.enhancer(decoded)
        values = [
            losses.l_rec1(image, decoded),
            losses.l_rec1(image, enhanced),
            losses.l_kl(mu, logvar),
            *(gradient_energy(i) for i in (image, decoded, enhanced)),
        ]
        sums += np.array([float(v) for v in values]) * len(batch)
    net.train()
    means = sums / len(images)
    return {
        "val_rec1": means[0],
        "val_rec_enhanced": means[1],
        "val_kl": means[2],
        "val_sharpness_decoded": means[4] / means[3],
        "val_sharpness_enhanced": means[5] / means[3],
    }


def gradient_energy(images: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels, over both directions; a scalar."""
    x = images.float()
    across = (x[..., 1:] - x[..., :-1]).square().mean()
    return across + (x[..., 1:, :] - x[..., :-1, :]).square().mean()
