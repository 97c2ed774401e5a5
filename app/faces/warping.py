"""Pictures resampled: light bicubically, colour bilinearly.

Light (luma, ITU-R BT.601), which carries the detail, is warped bicubically. What red and blue
differ by from green is warped bilinearly, which loses less than most JPEG files have lost of it
before. Each is a plane of float32: OpenCV's bicubic `warpAffine` of interleaved 8-bit channels
takes about twice as long.
"""

from __future__ import annotations

from collections.abc import Iterator

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
_MARGIN = 4  # rows beside its own that a bicubic warp reaches, and more


def planes_of(picture: Image) -> list[Plane]:
    """A picture [H, W, 3] taken apart: light, red minus green, blue minus green, float32 [H, W].

    Those of grey are exactly 0, so that grey stays grey.
    """
    red, green, blue = (channel.astype(np.float32) for channel in cv2.split(picture))
    # In place: of a large face a plane has five megabytes.
    red -= green
    blue -= green
    light = green
    light += _RED * red
    light += _BLUE * blue
    return [light, red, blue]


def together(light: Plane, red: Plane, blue: Plane) -> Plane:
    """The picture [H, W, 3] that was taken apart, or a change of it: float32, not clamped."""
    green = light - _RED * red - _BLUE * blue
    return np.asarray(cv2.merge([green + red, green, green + blue]), np.float32)


def bands(height: int) -> Iterator[slice]:
    """Rows of a picture, some at a time."""
    for start in range(0, height, _BAND):
        yield slice(start, min(start + _BAND, height))


def warp_plane(
    plane: Plane, matrix: Matrix, width: int, rows: slice, how: int = cv2.INTER_LINEAR
) -> Plane:
    """Some rows of a plane [h, w] resampled; borders are repeated.

    Args:
        plane: what is warped.
        matrix: float64 [2, 3], from pixels of the result to pixels of the plane.
        width: of the result.
        rows: of the result, those that are wanted.
        how: bilinearly or bicubically.

    Returns:
        float32 [rows, width], not clamped.
    """
    here = matrix.copy()
    here[:, 2] += here[:, 1] * rows.start
    warped = cv2.warpAffine(
        plane,
        here,
        (width, rows.stop - rows.start),
        flags=how | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(warped, np.float32)


def warp(image: Image, matrix: Matrix, size: tuple[int, int]) -> Image:
    """A picture uint8 [h, w, 3] resampled to `size` (width, height); see `warp_plane`."""
    width, height = size
    result = np.empty((height, width, 3), np.uint8)
    for rows in bands(height):
        part, there = _reached(image, matrix, width, rows)
        light, red, blue = planes_of(part)
        shown = together(
            warp_plane(light, there, width, rows, cv2.INTER_CUBIC),
            warp_plane(red, there, width, rows),
            warp_plane(blue, there, width, rows),
        )
        result[rows] = np.rint(np.clip(shown, 0, 255, out=shown), out=shown)
    return result


def _reached(image: Image, matrix: Matrix, width: int, rows: slice) -> tuple[Image, Matrix]:
    """The rows of a picture that some rows of the result show, and the transform to them."""
    corners = np.array([[x, y] for x in (0, width) for y in (rows.start, rows.stop)], np.float64)
    reached = corners @ matrix[1, :2] + matrix[1, 2]
    last = image.shape[0] - 1
    first = int(np.clip(np.floor(reached.min()) - _MARGIN, 0, last))
    end = int(np.clip(np.ceil(reached.max()) + _MARGIN, 0, last)) + 1
    there = matrix.copy()
    there[1, 2] -= first
    return image[first:end], there
