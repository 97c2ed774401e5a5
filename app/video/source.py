"""What is read: a film or an animation, and what is to be known of its frames to write another."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


class Moving(Protocol):
    """A moving picture that is read, frame by frame.

    Attributes:
        path: of the file.
        frames: how many it has; 0 if it does not say.
        rate: frames per second, for an encoder.
        times: of the frames that were read, in seconds.
        end: of the last of them.
        alphas: their transparency, uint8 [H, W], or None.
        loop: how often it plays; 0 is for ever.
        has_sound: whether there is any.
    """

    path: Path
    frames: int
    rate: Fraction
    times: list[float]
    end: float
    alphas: list[Image | None]
    loop: int
    has_sound: bool

    def read(self) -> Iterator[Image]:
        """The frames, upright, uint8 RGB [H, W, 3]; what is known of each is there before it."""


def animated(path: Path) -> bool:
    """Whether a file begins as a GIF or a WebP does.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(12)
    return head[:4] == b"GIF8" or (head[:4] == b"RIFF" and head[8:] == b"WEBP")
