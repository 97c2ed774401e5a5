"""The variational autoencoder and the neutralizer in its latent space."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from model_training.classic.config import ClassicConfig
from model_training.classic.networks.layers import batch_norm, init_normal, strided_stack


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


def sample_latent(
    mu: Tensor, logvar: Tensor, noise: Callable[[Tensor], Tensor] = torch.randn_like
) -> Tensor:
    """z = mu + exp(logvar / 2) * epsilon with epsilon ~ N(0, I): equation 12.

    Used while training only; in use, the latent is `mu` alone.

    Args:
        mu: [B, Z].
        logvar: [B, Z].
        noise: gives epsilon for a tensor of its shape.

    Returns:
        [B, Z], differentiable in mu and logvar.
    """
    return mu + torch.exp(0.5 * logvar) * noise(mu)


class Decoder(nn.Module):
    """Dense layer to a small map, four transposed convolutions that double it, one to an image.

    Input float [B, Z]; output float [B, C, S, S] in [-1, 1] (tanh). At 112 px: dense 7x7x256,
    then 128-64-32-16 filters of 4x4 with stride 2, batch norm and ReLU after each, and a 3x3
    convolution to C channels.
    """

    def __init__(self, config: ClassicConfig) -> None:
        super().__init__()
        self.width, self.size = config.encoder_widths[-1], config.image_size // 16
        self.dense = nn.Linear(config.latent, self.width * self.size**2)
        layers: list[nn.Module] = [batch_norm(self.width, config), nn.ReLU()]
        width = self.width
        for narrower in config.decoder_widths:
            layers += [
                nn.ConvTranspose2d(width, narrower, 4, stride=2, padding=1, bias=False),
                batch_norm(narrower, config),
                nn.ReLU(),
            ]
            width = narrower
        layers += [nn.Conv2d(width, config.channels, 3, padding=1, bias=False), nn.Tanh()]
        self.convolutions = nn.Sequential(*layers)
        init_normal(self)
        # Keras' default for the one layer that was published without an initializer.
        nn.init.xavier_uniform_(self.dense.weight)

    def forward(self, latent: Tensor) -> Tensor:
        """Return the decoded image."""
        small = self.dense(latent).view(-1, self.width, self.size, self.size)
        image: Tensor = self.convolutions(small)
        return image


class Neutralizer(nn.Module):
    """T(mu) = W mu + b, [B, Z] -> [B, Z]: expression removal is linear in the latent space.

    It starts as the identity, which leaves every face as it is; the published code starts from
    N(0, 0.02), which `init_published` gives.
    """

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.dense = nn.Linear(latent, latent)
        with torch.no_grad():
            self.dense.weight.copy_(torch.eye(latent))
            self.dense.bias.zero_()

    def init_published(self) -> None:
        """Weights from N(0, 0.02), bias zero, drawn from torch's global generator."""
        nn.init.normal_(self.dense.weight, std=0.02)
        nn.init.zeros_(self.dense.bias)

    def forward(self, mu: Tensor) -> Tensor:
        """Return the neutral mu."""
        neutral: Tensor = self.dense(mu)
        return neutral
