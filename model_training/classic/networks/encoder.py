"""The encoder E: an image to the mean and log-variance of its latent distribution."""

from __future__ import annotations

from torch import Tensor, nn

from model_training.classic.config import ClassicConfig
from model_training.classic.networks.layers import init_normal, strided_stack


class Encoder(nn.Module):
    """Four strided convolutions (32-64-128-256, batch norm, ReLU) and one dense layer.

    Input float [B, C, S, S] in [-1, 1]; output `mu` and `logvar`, float [B, Z] each, unbounded.
    The log-variance rather than the variance is predicted for numerical stability.
    """

    def __init__(self, config: ClassicConfig) -> None:
        super().__init__()
        self.convolutions = strided_stack(config, nn.ReLU(), spectral=False)
        features = config.encoder_widths[-1] * config.encoded_size**2
        self.dense = nn.Linear(features, 2 * config.latent)
        init_normal(self)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return (mu, logvar)."""
        mu, logvar = self.dense(self.convolutions(image).flatten(1)).chunk(2, dim=1)
        return mu, logvar
