"""Pictures shown to the detector: the photograph reduced, padded, tiled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.reduction import reduced

GREY = (127, 127, 127)
ORDINARY, CLOSE_UP, CLOSE_UP_BORDER = 640, 208, 0.27
"""Longest sides for faces of ordinary size and for close-ups; the grey around those, in sides."""

_STEP = 45  # degrees: half of it on either side changes the detector's scores little


@dataclass(frozen=True, slots=True)
class Look:
    """A picture shown to the detector, and how its pixels map to the photograph's."""

    pixels: NDArray[np.uint8]
    scale: float  # view pixels per photograph pixel
    offset: tuple[float, float]  # view position of the photograph's origin
    turn: float = 0.0  # degrees that this was turned by, counter-clockwise
    back: NDArray[np.float64] | None = None  # [2, 3] from the turned pixels to those before


def shrink(image: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Reduce by averaging, well enough for a detector; never enlarges."""
    if scale >= 1.0:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return reduced(image, size, cv2.INTER_LINEAR)


def pad_grey(image: NDArray[np.uint8], border: int) -> NDArray[np.uint8]:
    """Grey all around, so that a face filling the frame has surroundings."""
    padded = cv2.copyMakeBorder(
        image, border, border, border, border, cv2.BORDER_CONSTANT, value=GREY
    )
    return np.asarray(padded, np.uint8)


def look_at(image: NDArray[np.uint8], side: int) -> Look:
    """The photograph with its longest side at most `side` px."""
    scale = min(1.0, side / max(image.shape[:2]))
    return Look(shrink(image, scale), scale, (0.0, 0.0))


def first_looks(image: NDArray[np.uint8]) -> Iterator[Look]:
    """The photograph for faces of ordinary size, and for those that fill it."""
    ordinary = look_at(image, ORDINARY)
    yield ordinary
    # Reduced once more from there: a large photograph is read only once.
    small = look_at(ordinary.pixels, CLOSE_UP)
    border = round(CLOSE_UP_BORDER * max(small.pixels.shape[:2]))
    yield Look(pad_grey(small.pixels, border), ordinary.scale * small.scale, (border, border))


def turned_looks(image: NDArray[np.uint8]) -> Iterator[Look]:
    """The first looks, turned in steps that the detector bridges."""
    for look in list(first_looks(image)):
        for degrees in range(_STEP, 360, _STEP):
            yield _turned(look, degrees)


def _turned(look: Look, degrees: float) -> Look:
    height, width = look.pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    wide, high = round(width * cos + height * sin), round(width * sin + height * cos)
    matrix[:, 2] += (wide - width) / 2, (high - height) / 2
    pixels = cv2.warpAffine(look.pixels, matrix, (wide, high), borderValue=GREY)
    back = np.asarray(cv2.invertAffineTransform(matrix), np.float64)
    return replace(look, pixels=np.asarray(pixels, np.uint8), turn=degrees, back=back)


def tiles(image: NDArray[np.uint8], side: int = 1024, overlap: int = 256) -> Iterator[Look]:
    """The photograph at up to 4096 px in overlapping tiles: the last resort for tiny faces."""
    scale = min(1.0, 4096 / max(image.shape[:2]))
    small = shrink(image, scale)
    height, width = small.shape[:2]
    step = side - overlap
    for top in range(0, max(1, height - overlap), step):
        for left in range(0, max(1, width - overlap), step):
            tile = np.ascontiguousarray(small[top : top + side, left : left + side])
            yield Look(tile, scale, (-left, -top))
