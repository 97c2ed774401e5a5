"""All networks of `classic` together, and the pipeline they form in use."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model_training.classic.config import ClassicConfig
from model_training.classic.networks.enhancer import Discriminator, Enhancer
from model_training.classic.networks.layers import Sharpen
from model_training.classic.networks.vae import Decoder, Encoder, Neutralizer


class ClassicNet(nn.Module):
    """Encoder, neutralizer, decoder, enhancer and sharpening; the discriminator for training.

    In use: image -> mu -> T(mu) -> decoded -> enhanced -> sharpened.
    """

    def __init__(self, config: ClassicConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.neutralizer = Neutralizer(config.latent)
        self.decoder = Decoder(config)
        self.enhancer = Enhancer(config)
        self.discriminator = Discriminator(config)
        self.sharpen = Sharpen(config.sharpen)

    def forward(self, image: Tensor, strength: Tensor) -> Tensor:
        """Neutralize images.

        Args:
            image: float [B, C, S, S] in [-1, 1].
            strength: float [B] in [0, 1]; 0 gives the model's reconstruction, 1 the neutral face.

        Returns:
            float [B, C, S, S] in [-1, 1].
        """
        mu, _ = self.encoder(image)
        moved = torch.lerp(mu, self.neutralizer(mu), strength.to(mu.dtype)[:, None])
        neutral: Tensor = self.sharpen(self.enhancer(self.decoder(moved)))
        return neutral

    def parts(self, *names: str) -> nn.ModuleDict:
        """Some of the networks, by name, sharing their weights: what a stage's checkpoint holds."""
        return nn.ModuleDict({name: self.get_submodule(name) for name in names})

    def reconstruct(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The image through mu, without neutralizer or sharpening: (decoded, enhanced)."""
        decoded = self.decoder(self.encoder(image)[0])
        return decoded, self.enhancer(decoded)
