"""Two lines of weights average as pooling does."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from model_training.photo.smoothing import smooth


@pytest.mark.parametrize(("side", "times"), [(3, 1), (5, 1), (3, 2), (5, 2)])
def test_it_is_the_average_of_pooling(side: int, times: int) -> None:
    maps = torch.rand(2, 3, 24, 30, generator=torch.Generator().manual_seed(side))
    wanted = maps
    for _ in range(times):
        wanted = F.avg_pool2d(wanted, side, 1, side // 2)
    inner = (..., slice(side, -side), slice(side, -side))
    assert torch.allclose(smooth(maps, side, times)[inner], wanted[inner], atol=1e-6)


def test_the_border_is_repeated() -> None:
    flat = torch.full((1, 2, 8, 9), 0.7)
    assert torch.allclose(smooth(flat, 5, 2), flat, atol=1e-6)
