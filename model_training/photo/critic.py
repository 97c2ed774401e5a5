"""Patch discriminator with spectral norm, for what paints: eyes, lips."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class PatchDiscriminator(nn.Module):
    """Scores overlapping patches: high for parts of real neutral photographs, low for others.

    It is told where a patch lies: what is right for a cheek is wrong for a mouth. With five stages
    each score sees 158 px, most of a face; with four and without places it found nothing to tell
    outputs by, because most patches of an output are the photograph's.

    Spectral norm keeps it from saturating, after which it would teach nothing (Miyato et al. 2018).
    It also bounds the slope of the scores by one, with which two classes cannot be told apart on
    pictures that differ in a few soft pixels; `gain` is the bound instead.
    """

    def __init__(self, width: int = 24, stages: int = 5, gain: float = 8.0) -> None:
        super().__init__()
        self.gain = gain
        layers: list[nn.Module] = []
        inputs = 5
        for stage in range(stages):
            outputs = width * min(2**stage, 8)
            layers += [spectral_norm(nn.Conv2d(inputs, outputs, 4, 2, 1)), nn.LeakyReLU(0.2)]
            inputs = outputs
        layers.append(spectral_norm(nn.Conv2d(inputs, 1, 3, 1, 1)))
        self.layers = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> Tensor:
        """[B, 3, H, W] in [-1, 1] -> patch scores [B, 1, H/32, W/32], unbounded."""
        batch, _, height, width = image.shape
        y, x = (
            torch.linspace(-1, 1, side, dtype=image.dtype, device=image.device)
            for side in (height, width)
        )
        places = [
            place.expand(batch, 1, height, width)
            for place in (y.view(1, 1, height, 1), x.view(1, 1, 1, width))
        ]
        placed = torch.cat([image, *places], 1).contiguous(memory_format=torch.channels_last)
        scores: Tensor = self.layers(placed)
        return scores * self.gain
