"""LSGAN patch discriminator with spectral norm, for `photo`."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class PatchDiscriminator(nn.Module):
    """Judges overlapping 46 px patches as real neutral photographs (1) or not (0).

    Spectral norm keeps it from saturating, after which it would teach nothing (Miyato et al. 2018).
    It also bounds the slope of the scores by one, with which 0 and 1 cannot be told apart on
    pictures that differ in a few soft pixels; `gain` is the bound instead.
    """

    def __init__(self, width: int = 24, stages: int = 4, gain: float = 8.0) -> None:
        super().__init__()
        self.gain = gain
        layers: list[nn.Module] = []
        inputs = 3
        for stage in range(stages):
            outputs = width * min(2**stage, 8)
            layers += [spectral_norm(nn.Conv2d(inputs, outputs, 4, 2, 1)), nn.LeakyReLU(0.2)]
            inputs = outputs
        layers.append(spectral_norm(nn.Conv2d(inputs, 1, 3, 1, 1)))
        self.layers = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> Tensor:
        """[B, 3, H, W] in [-1, 1] -> patch scores [B, 1, H/16, W/16], unbounded."""
        scores: Tensor = self.layers(image)
        return scores * self.gain
