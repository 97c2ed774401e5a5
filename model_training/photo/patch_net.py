"""The small U-Net that looks at a patch of a face and paints there: eyes, lips."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_training.photo.config import PatchNetConfig
from model_training.photo.network import conv_block

STEP = 2
"""Pixels of the patch from one value of the network's finest layers to the next."""
_FADE = 8
"""Pixels over which paint fades out at the patch's border."""


class _SeesAverage(nn.Module):
    """A residual block that also sees the average: the colours of a face belong together."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = conv_block(width, width)
        self.whole = nn.Linear(width, width)
        self.second = nn.Sequential(
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, x: Tensor) -> Tensor:
        whole: Tensor = self.whole(x.mean((2, 3)))
        return F.leaky_relu(x + self.second(self.first(x) + whole[:, :, None, None]), 0.1)


def _border(height: int, width: int) -> Tensor:
    """[1, 1, height, width]: 1 inside, falling to 0 over the patch's border."""
    y, x = (torch.arange(side, dtype=torch.float32) + 0.5 for side in (height, width))
    rows = (torch.minimum(y, height - y) / _FADE).clamp(0, 1)
    columns = (torch.minimum(x, width - x) / _FADE).clamp(0, 1)
    return (rows[:, None] * columns[None])[None, None]


class PatchNet(nn.Module):
    """What networks that paint patches have in common.

    Args:
        inputs: channels at half of the patch's resolution.
        outputs: channels of the paint.
        patch: the patch's height and width in pixels, multiples of 8.
        config: sizes.
    """

    border: Tensor

    def __init__(
        self, inputs: int, outputs: int, patch: tuple[int, int], config: PatchNetConfig
    ) -> None:
        super().__init__()
        self.config = config
        half, quarter, eighth = config.widths
        self.stem = conv_block(inputs, half)
        self.down4 = conv_block(half, quarter, 2)
        self.down8 = conv_block(quarter, eighth, 2)
        self.middle = nn.Sequential(*[_SeesAverage(eighth) for _ in range(config.middle_blocks)])
        self.up4 = conv_block(eighth + quarter, quarter)
        self.up2 = conv_block(quarter + half, config.fine)
        self.last = nn.Conv2d(config.fine, outputs * STEP**2, 3, 1, 1)
        self.register_buffer("border", _border(*patch), persistent=False)

    def paint(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Look at patches.

        Args:
            seen: [N, inputs, H / 2, W / 2].

        Returns:
            float32 [N, outputs, H, W], and the deepest features [N, C, H / 8, W / 8].
        """
        half = self.stem(seen)
        quarter = self.down4(half)
        deep = self.middle(self.down8(quarter))
        up = F.interpolate(deep, scale_factor=2.0, mode="nearest")
        up = self.up4(torch.cat([up, quarter], 1))
        up = F.interpolate(up, scale_factor=2.0, mode="nearest")
        up = self.up2(torch.cat([up, half], 1))
        return F.pixel_shuffle(self.last(up), STEP).float(), deep


def evened(patches: Tensor) -> tuple[Tensor, Tensor]:
    """Mean [N, 3, 1, 1] and spread [N, 1, 1, 1] of patches: without them light and skin are alike,
    and the network sees every patch equally bright."""
    return patches.mean((2, 3), keepdim=True), patches.std((1, 2, 3), keepdim=True) + 0.02
