"""Losses of the eye opener. Images are float32 [B, 3, H, W] in [-1, 1]; every loss is a mean."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def changed_weights(neutral: Tensor, expressive: Tensor) -> Tensor:
    """[B, 1, H, W] in [0, 1]: where the expression changed the picture, spread by 9 px."""
    change = (neutral - expressive).abs().mean(1, keepdim=True)
    return (F.avg_pool2d(change, 9, 1, 4) * 4).clamp(0, 1)


def lsgan_generator(scores: Tensor) -> Tensor:
    """Outputs should be judged as real neutral photographs (Mao et al. 2017)."""
    return ((scores.float() - 1) ** 2).mean()


def lsgan_discriminator(real: Tensor, fake: Tensor, expressive: Tensor) -> Tensor:
    """Real neutral photographs are 1; outputs, and (at half weight) real expressive ones, are 0."""
    return (
        ((real.float() - 1) ** 2).mean()
        + (fake.float() ** 2).mean()
        + 0.5 * (expressive.float() ** 2).mean()
    )
