"""Between 8-bit RGB pixels and what the networks see; training and the exported graph share it."""

from __future__ import annotations

import torch
from torch import Tensor

from model_training.portraits.luma import LUMA


def to_network(image: Tensor, channels: int) -> Tensor:
    """uint8 RGB [B, S, S, 3] to float32 [B, channels, S, S] in [-1, 1]; one channel is grey."""
    pixels = image.to(torch.float32).permute(0, 3, 1, 2)
    if channels == 1:
        weights = torch.tensor(LUMA, device=pixels.device).view(1, 3, 1, 1)
        pixels = (pixels * weights).sum(1, keepdim=True)
    return pixels / 127.5 - 1.0


def to_image(image: Tensor) -> Tensor:
    """float [B, 1 or 3, S, S] in [-1, 1] to uint8 RGB [B, S, S, 3]; grey fills all three."""
    pixels = ((image.to(torch.float32) + 1.0) * 127.5).round().clamp(0.0, 255.0)
    return pixels.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).to(torch.uint8)
