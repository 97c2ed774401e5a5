"""Differences of pictures, float32 [B, 3, H, W] in [-1, 1], as losses; each is a mean."""

from __future__ import annotations

from torch import Tensor


def weighted_l1(a: Tensor, b: Tensor, weights: Tensor) -> Tensor:
    """Mean absolute difference, weighted by a [B or 1, 1, H, W] map."""
    return ((a - b).abs() * weights).mean()


def gradient_l1(a: Tensor, b: Tensor) -> Tensor:
    """Mean absolute difference of horizontal and of vertical differences."""
    difference = a - b
    return (difference[..., 1:] - difference[..., :-1]).abs().mean() + (
        difference[..., 1:, :] - difference[..., :-1, :]
    ).abs().mean()
