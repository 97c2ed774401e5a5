"""The decoder: a latent to an image."""

from __future__ import annotations

from torch import Tensor, nn

from model_training.classic.config import ClassicConfig
from model_training.classic.networks.layers import batch_norm, init_normal


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
