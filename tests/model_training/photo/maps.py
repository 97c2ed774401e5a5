"""Maps that change nothing."""

from __future__ import annotations

import torch

from model_training.photo.network import LINE_REACH, MAP_SIZE, MAP_STEP, PhotoMaps


def lines(at: float = 120.0) -> torch.Tensor:
    """Distance to a level lip line in a row of the window, [1, 1, 96, 96], in its pixels."""
    row = torch.arange(MAP_SIZE) * MAP_STEP + 0.5
    return (row - at).view(1, 1, -1, 1).expand(1, 1, MAP_SIZE, MAP_SIZE)


def plain_maps(batch: int = 1) -> PhotoMaps:
    """No motion, no mouth."""

    def maps(channels: int) -> torch.Tensor:
        return torch.zeros(batch, channels, MAP_SIZE, MAP_SIZE)

    return PhotoMaps(
        upper=maps(2),
        lower=maps(2),
        line=maps(1) - LINE_REACH,
        opening=maps(1),
        crease=maps(1),
    )
