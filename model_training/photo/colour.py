"""Grey in, grey out: what is laid on a black-and-white photograph has no colour either."""

from __future__ import annotations

import torch
from torch import Tensor

from model_training.portraits.luma import LUMA

_GREY, _RAMP = 0.25, 0.25
"""Grey levels between the channels up to which a photograph has no colour, and over how many more
it comes to have all of it."""


def coloured(pictures: Tensor) -> Tensor:
    """1 for a colour photograph, 0 for a black-and-white one, of [B, 3, H, W] in [-1, 1].

    Returns:
        [B, 1, 1, 1].
    """
    # Two at a time: ONNX Runtime takes many times longer to reduce three channels.
    red, green, blue = pictures.unbind(1)
    most = torch.maximum(torch.maximum(red, green), blue)
    least = torch.minimum(torch.minimum(red, green), blue)
    spread = (most - least).mean(dim=(1, 2)) * 127.5
    return ((spread - _GREY) / _RAMP).clamp(0, 1).view(-1, 1, 1, 1)


def without_colour(channels: Tensor, share: Tensor) -> Tensor:
    """Red, green and blue [B, 3, ...] drawn towards their grey where `share` falls to 0."""
    luma = torch.tensor(LUMA, device=channels.device).view(1, 3, 1, 1)
    grey = (channels * luma).sum(1, keepdim=True)
    return grey + (channels - grey) * share
