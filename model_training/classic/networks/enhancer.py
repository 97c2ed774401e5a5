"""The enhancer: restores detail that a VAE's decoder blurs, in the style of super-resolution."""

from __future__ import annotations

from torch import Tensor, nn

from model_training.classic.config import ClassicConfig
from model_training.classic.networks.layers import batch_norm, init_normal, make_prelu


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
