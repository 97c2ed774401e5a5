"""The sharpening filter that ends the pipeline."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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
