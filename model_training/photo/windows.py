"""Which part of a crop a step sees: shifts of crops, and the network's window of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_training.photo.network import (
    CROP_SIZE,
    MAP_STEP,
    WINDOW_LEFT,
    WINDOW_SIZE,
    WINDOW_TOP,
)


@dataclass(frozen=True)
class Window:
    """The 192 px part of the 256 px crops that a step sees.

    Serving always looks at `Window.middle()`; training shifts it, because a network that learns
    where the frame is takes the face's place for granted. Offsets are even: maps have half the
    crops' size.
    """

    top: int
    left: int

    @classmethod
    def middle(cls) -> Window:
        """Where serving looks."""
        return cls(WINDOW_TOP, WINDOW_LEFT)

    @classmethod
    def random(cls, rng: np.random.Generator) -> Window:
        """Up to 6 px up or down and 16 px left or right of the middle."""
        down, right = 2 * int(rng.integers(-3, 4)), 2 * int(rng.integers(-8, 9))
        return cls(WINDOW_TOP + down, WINDOW_LEFT + right)

    def cut(self, images: Tensor) -> Tensor:
        """The window of crops [..., 256, 256], or of their maps [..., 128, 128]."""
        step = CROP_SIZE // images.shape[-1]
        top, left, side = self.top // step, self.left // step, WINDOW_SIZE // step
        return images[..., top : top + side, left : left + side]

    def put_back(self, window: Tensor, crops: Tensor) -> Tensor:
        """The crops [..., 256, 256] with this in their window."""
        bottom, right = self.top + WINDOW_SIZE, self.left + WINDOW_SIZE
        rows = crops[..., self.top : bottom, :]
        middle = torch.cat([rows[..., : self.left], window, rows[..., right:]], -1)
        return torch.cat([crops[..., : self.top, :], middle, crops[..., bottom:, :]], -2)


class Shift:
    """Crops of larger ones [N, S+M, S+M, ...], each from a place by chance; even, as maps have half
    the crops' size."""

    def __init__(self, rows: NDArray[np.integer], side: int, rng: np.random.Generator) -> None:
        self.rows = rows
        steps = (side - CROP_SIZE) // MAP_STEP + 1
        self.corners = MAP_STEP * rng.integers(0, steps, (len(rows), 2))

    def of_images(self, images: NDArray[Any]) -> NDArray[Any]:
        """[B, S, S, ...], or of maps [N, (S+M) / 2, (S+M) / 2, ...] [B, S/2, S/2, ...]."""
        step = 1 if images.shape[1] > CROP_SIZE else MAP_STEP
        side = CROP_SIZE // step
        corners = self.corners // step
        return np.stack(
            [
                images[int(row), y : y + side, x : x + side]
                for row, (y, x) in zip(self.rows, corners, strict=True)
            ]
        )

    def of_points(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points [N, ..., 2] of them, [B, ..., 2]."""
        shape = (len(self.rows), *(1,) * (points.ndim - 2), 2)
        moved = points[self.rows] - self.corners[:, ::-1].reshape(shape)
        return np.asarray(moved, np.float32)
