"""The enhancer restores detail that a VAE's decoder blurs; the discriminator is its opponent.

The enhancer is in the style of super-resolution; the discriminator says how photographic an image
is, as a number (least squares, linear output).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from model_training.classic.config import ClassicConfig
from model_training.classic.networks.layers import (
    batch_norm,
    init_normal,
    make_prelu,
    strided_stack,
)

LEAKY_SLOPE = 0.3
"""Keras' default for LeakyReLU."""


class ResidualBlock(nn.Module):
    """x + BN(conv(PReLU(BN(conv(x))))), [B, width, S, S] to the same shape."""

    def __init__(self, config: ClassicConfig) -> None:
        super().__init__()
        width = config.enhancer_width
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            batch_norm(width, config),
            make_prelu(config.prelu, width, config.image_size),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            batch_norm(width, config),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output before its activation."""
        change: Tensor = self.body(x)
        return x + change


class Enhancer(nn.Module):
    """Convolution to 32 filters, two residual blocks with skip connections, convolution back.

    Input float [B, C, S, S] in [-1, 1]; output the same shape and range (tanh). The published
    code writes some layers as transposed convolutions of stride 1, which are convolutions.
    """

    def __init__(self, config: ClassicConfig) -> None:
        super().__init__()
        width, size = config.enhancer_width, config.image_size
        layers: list[nn.Module] = [
            nn.Conv2d(config.channels, width, 3, padding=1, bias=False),
            batch_norm(width, config),
            make_prelu(config.prelu, width, size),
        ]
        for index in range(config.enhancer_blocks):
            last = index == config.enhancer_blocks - 1
            layers.append(ResidualBlock(config))
            layers.append(nn.ReLU() if last else make_prelu(config.prelu, width, size))
        layers += [nn.Conv2d(width, config.channels, 3, padding=1, bias=False), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        init_normal(self)

    def forward(self, image: Tensor) -> Tensor:
        """Return the enhanced image."""
        enhanced: Tensor = self.layers(image)
        return enhanced


class Discriminator(nn.Module):
    """The encoder's convolutions with LeakyReLU, a dense layer of 512 and a linear output.

    Input float [B, C, S, S] in [-1, 1]; output float [B]: near 1 for photographs, near 0 for
    generated images once trained with L_Dis.
    """

    def __init__(self, config: ClassicConfig) -> None:
        super().__init__()
        bounded = config.spectral_norm
        features = config.encoder_widths[-1] * config.encoded_size**2
        hidden: nn.Module = nn.Linear(features, config.discriminator_dense)
        score: nn.Module = nn.Linear(config.discriminator_dense, 1)
        self.convolutions = strided_stack(config, nn.LeakyReLU(LEAKY_SLOPE), spectral=bounded)
        if bounded:  # keeps torch's initialisation: the scale is divided out anyway
            hidden, score = spectral_norm(hidden), spectral_norm(score)
        else:
            for part in (self.convolutions, hidden, score):
                init_normal(part)
        self.dense = nn.Sequential(hidden, nn.LeakyReLU(LEAKY_SLOPE))
        self.score = score

    def features(self, image: Tensor) -> list[Tensor]:
        """The output of every activation, first layer first: for feature matching."""
        found: list[Tensor] = []
        for layer in self.convolutions:
            image = layer(image)
            if isinstance(layer, nn.LeakyReLU):
                found.append(image)
        return found

    def forward(self, image: Tensor) -> Tensor:
        """Return the score, [B]."""
        scores: Tensor = self.score(self.dense(self.convolutions(image).flatten(1)))
        return scores.squeeze(1)
