"""Pictures resampled: light bicubically, colour bilinearly.

Light (luma, ITU-R BT.601), which carries the detail, is warped bicubically. What red and blue
differ by from green is warped bilinearly, which loses less than most JPEG files have lost of it
before. Each is a plane of float32: OpenCV's bicubic `warpAffine` of interleaved 8-bit channels
takes several times as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Matrix = NDArray[np.float64]
Plane = NDArray[np.float32]

_RED, _BLUE = np.float32(0.299), np.float32(0.114)
"""Shares of red and blue in light; the rest is green's."""
_BAND = 256
"""Rows that are warped at a time: whole, a large face takes several copies in float32; of few rows,
OpenCV's bicubic warp takes twice as long where the picture is turned."""


def planes_of(picture: Image) -> list[Plane]:
    """A picture [H, W, 3] taken apart: light, red minus green, blue minus green, float32 [H, W].

    Those of grey are exactly 0, so that grey stays grey.
    """
    red, green, blue = (np.asarray(channel, np.float32) for channel in cv2.split(picture))
    red, blue = red - green, blue - green
    return [green + _RED * red + _BLUE * blue, red, blue]


def together(light: Plane, red: Plane, blue: Plane) -> Plane:
    """The picture [H, W, 3] that was taken apart, or a change of it: float32, not clamped."""
    green = light - _RED * red - _BLUE * blue
    return np.asarray(cv2.merge([green + red, green, green + blue]), np.float32)


def warped_bands(
    lights: Sequence[Plane], colours: Sequence[Plane], matrix: Matrix, size: tuple[int, int]
) -> Iterator[tuple[slice, list[Plane]]]:
    """Planes [h, w] resampled, some rows of the result at a time; borders are repeated.

    Args:
        lights: what is warped bicubically.
        colours: what is warped bilinearly.
        matrix: float64 [2, 3], from pixels of the result to pixels of the planes.
        size: (width, height) of the result.

    Yields:
        The rows, and lights and colours there, float32 [rows, width] each, not clamped.
    """
    width, height = size
    for start in range(0, height, _BAND):
        rows = slice(start, min(start + _BAND, height))
        here = matrix.copy()
        here[:, 2] += here[:, 1] * start
        shape = (width, rows.stop - start)
        shown = [warp_plane(light, here, shape, cv2.INTER_CUBIC) for light in lights]
        yield rows, shown + [warp_plane(colour, here, shape) for colour in colours]


def warp_plane(
    plane: Plane, matrix: Matrix, size: tuple[int, int], how: int = cv2.INTER_LINEAR
) -> Plane:
    """One plane [h, w] resampled to `size` (width, height); see `warped_bands`."""
    flags = how | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(plane, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.float32)


def warp(image: Image, matrix: Matrix, size: tuple[int, int]) -> Image:
    """A picture uint8 [h, w, 3] resampled to `size` (width, height); see `warped_bands`."""
    result = np.empty((size[1], size[0], 3), np.uint8)
    light, red, blue = planes_of(image)
    for rows, planes in warped_bands([light], [red, blue], matrix, size):
        shown = together(*planes)
        result[rows] = np.rint(np.clip(shown, 0, 255, out=shown), out=shown)
    return result
