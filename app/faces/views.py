"""Pictures shown to the detector: the photograph reduced, padded, tiled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

GREY = (127, 127, 127)


@dataclass(frozen=True, slots=True)
class View:
    """A picture shown to the detector, and how its pixels map to the photograph's."""

    pixels: NDArray[np.uint8]
    scale: float  # view pixels per photograph pixel
    offset: tuple[float, float]  # view position of the photograph's origin


def shrink(bgr: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Reduce by area averaging; never enlarges."""
    if scale >= 1.0:
        return bgr
    size = (max(1, round(bgr.shape[1] * scale)), max(1, round(bgr.shape[0] * scale)))
    return np.asarray(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA), np.uint8)


def pad_grey(bgr: NDArray[np.uint8], border: int) -> NDArray[np.uint8]:
    """Grey all around, so that a face filling the frame has surroundings."""
    padded = cv2.copyMakeBorder(
        bgr, border, border, border, border, cv2.BORDER_CONSTANT, value=GREY
    )
    return np.asarray(padded, np.uint8)


def tiles(bgr: NDArray[np.uint8], side: int = 1024, overlap: int = 256) -> Iterator[View]:
    """The photograph at up to 4096 px in overlapping tiles: the last resort for tiny faces."""
    scale = min(1.0, 4096 / max(bgr.shape[:2]))
    small = shrink(bgr, scale)
    height, width = small.shape[:2]
    step = side - overlap
    for top in range(0, max(1, height - overlap), step):
        for left in range(0, max(1, width - overlap), step):
            tile = np.ascontiguousarray(small[top : top + side, left : left + side])
            yield View(tile, scale, (-left, -top))
