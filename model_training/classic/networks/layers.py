"""Small pieces the `classic` networks share: initialisation, batch norm, PReLU, the
conv stack; and the sharpening filter that ends the pipeline.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from model_training.classic.config import ClassicConfig, PReLUKind

BATCH_NORM_EPS = 1e-3
"""Keras' default, which the published weights were trained with."""


def init_normal(module: nn.Module) -> None:
    """Weights of convolutions and dense layers from N(0, 0.02), biases zero, as published."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def batch_norm(width: int, config: ClassicConfig) -> nn.BatchNorm2d:
    """Batch normalisation with Keras' epsilon and the configured momentum."""
    return nn.BatchNorm2d(width, eps=BATCH_NORM_EPS, momentum=config.batch_norm_momentum)


class PixelPReLU(nn.Module):
    """PReLU with one slope for every pixel and channel, starting at 0 (Keras' default).

    Maps [B, width, size, size] to the same shape.
    """

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(width, size, size))

    def forward(self, x: Tensor) -> Tensor:
        """max(x, 0) + slope * min(x, 0)."""
        # torch's own PReLU, in one pass over flat maps: written out in operations it was half of
        # the enhancer's training. Flattened in the order of memory, so that nothing is copied.
        slope = self.slope.to(x.dtype)
        if x.is_contiguous():
            return F.prelu(x.flatten(1), slope.flatten()).view(x.shape)
        last = x.permute(0, 2, 3, 1)
        flat = F.prelu(last.flatten(1), slope.permute(1, 2, 0).flatten())
        return flat.view(last.shape).permute(0, 3, 1, 2)


def make_prelu(kind: PReLUKind, width: int, size: int) -> nn.Module:
    """The PReLU of `kind` for maps [B, width, size, size]; slopes start at 0."""
    if kind == "pixel":
        return PixelPReLU(width, size)
    return nn.PReLU(width if kind == "channel" else 1, init=0.0)


def strided_stack(config: ClassicConfig, activation: nn.Module, *, spectral: bool) -> nn.Sequential:
    """The convolutions that encoder and discriminator share: [B, C, S, S] -> [B, W, E, E].

    Four unpadded 3x3 convolutions of stride 2, each with batch norm and `activation`; with
    `spectral`, spectral norm takes batch norm's place. W is the last width, E `encoded_size`.
    """
    layers: list[nn.Module] = []
    width = config.channels
    for wider in config.encoder_widths:
        conv = nn.Conv2d(width, wider, 3, stride=2, bias=spectral)
        layers.append(spectral_norm(conv) if spectral else conv)
        if not spectral:
            layers.append(batch_norm(wider, config))
        layers.append(activation)
        width = wider
    return nn.Sequential(*layers)


class Sharpen(nn.Module):
    """Adds `amount` of the image's negative Laplacian: x + amount * (4x - its four neighbours).

    The paper names a sharpening filter but its coefficients are inferred: `amount` 1 is the
    textbook kernel [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]. Borders repeat.

    Input float [B, C, S, S] in [-1, 1]; output the same, clamped to [-1, 1]. No parameters.
    """

    kernel: Tensor

    def __init__(self, amount: float) -> None:
        super().__init__()
        self.amount = amount
        side, middle = -amount, 1 + 4 * amount
        kernel = torch.tensor([[0.0, side, 0.0], [side, middle, side], [0.0, side, 0.0]])
        self.register_buffer("kernel", kernel[None, None], persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Return the sharpened image."""
        if self.amount == 0:
            return image
        channels = image.shape[1]
        padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
        kernel = self.kernel.to(image.dtype).expand(channels, 1, 3, 3)
        return F.conv2d(padded, kernel, groups=channels).clamp(-1.0, 1.0)
