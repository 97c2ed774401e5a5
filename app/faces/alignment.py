"""The crop contract: the one place that says where a face sits in a crop.

Data preparation, training, export and serving all import this module, so a network always
sees faces placed as it was trained on. The transform is a similarity computed from the two eye
centres alone, because mouth corners (which most five-point alignments use too) move with the
expression that we are about to remove.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.reduction import reduced, trimmed
from app.faces.warping import warp

Image = NDArray[np.uint8]
Matrix = NDArray[np.float64]

INTER_OCULAR = 0.27
"""Distance between the eye centres, as a fraction of the crop side."""
EYE_MIDPOINT = (0.50, 0.44)
"""Where the midpoint of the eyes lies, as fractions (x, y) of the crop side."""
CORE = (0.25, 0.33, 0.75, 0.82)
"""Brows to lower lip, cheek to cheek: left, top, right, bottom as fractions of the crop side."""
PHOTO_CROP_SIZES = (256, 512, 768, 1024)
"""The crop sides `photo` works at; few, so that every shape can be warmed up before serving."""


def core_of(size: int) -> tuple[slice, slice]:
    """Rows and columns of `CORE` in a crop of S pixels."""
    left, top, right, bottom = (round(edge * size) for edge in CORE)
    return slice(top, bottom), slice(left, right)


class DegenerateEyesError(ValueError):
    """The two eye centres coincide (or nearly), so no similarity is defined by them."""


@dataclass(frozen=True, slots=True)
class Crop:
    """An aligned crop and how it was cut.

    Attributes:
        image: uint8 RGB, [S, S, 3].
        matrix: float64 [2, 3]; maps photograph pixels (x, y) to crop pixels.
    """

    image: Image
    matrix: Matrix

    @property
    def size(self) -> int:
        """Side S of the crop in pixels."""
        return int(self.image.shape[0])


def crop_matrix(
    right_eye: NDArray[np.floating], left_eye: NDArray[np.floating], size: int
) -> Matrix:
    """Similarity transform that levels the eyes and puts them where the contract says.

    Args:
        right_eye: (x, y) in pixels of the eye on the image's left (the subject's right eye).
        left_eye: (x, y) in pixels of the other one.
        size: side S of the crop in pixels.

    Returns:
        float64 [2, 3] matrix from photograph pixels to crop pixels.

    Raises:
        DegenerateEyesError: the eyes are less than one pixel apart.
    """
    right = np.asarray(right_eye, np.float64)
    vector = np.asarray(left_eye, np.float64) - right
    distance = float(np.hypot(*vector))
    if not np.isfinite(distance) or distance < 1.0:
        raise DegenerateEyesError(f"eye centres are {distance:.2f} px apart")
    scale = INTER_OCULAR * size / distance
    cos, sin = scale * vector / distance
    linear = np.array([[cos, sin], [-sin, cos]])
    target = np.array([EYE_MIDPOINT[0] * size, EYE_MIDPOINT[1] * size])
    return np.column_stack([linear, target - linear @ (right + vector / 2)])


def matrix_scale(matrix: Matrix) -> float:
    """Crop pixels per photograph pixel."""
    return float(np.hypot(matrix[0, 0], matrix[0, 1]))


def choose_crop_size(inter_ocular_px: float, sizes: tuple[int, ...] = PHOTO_CROP_SIZES) -> int:
    """Smallest crop side that holds the face at its own resolution (or the largest there is).

    A crop may be up to 10 % too small before the next size is taken: the loss is not visible
    and the next size costs two to four times as much.
    """
    needed = inter_ocular_px / INTER_OCULAR
    return next((size for size in sizes if size * 1.1 >= needed), sizes[-1])


def shifted(matrix: Matrix, left: int, top: int) -> Matrix:
    """The same transform for a photograph that begins at (left, top)."""
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ np.array([left, top], np.float64)
    return moved


def cut(image: Image, matrix: Matrix, size: int) -> Crop:
    """Cut the aligned crop out of a photograph.

    Pixels beyond the photograph repeat its border: a mirrored border would show the network a
    second chin. Strong reductions are averaged first, because `warpAffine` samples four pixels
    whatever the scale and would alias.

    Args:
        image: uint8 [H, W, 3].
        matrix: from `crop_matrix`, for the same `size`.
        size: side S of the crop.

    Returns:
        The crop, uint8 [S, S, 3], with the matrix that was asked for.
    """
    # Only what the crop shows is worked on: a phone's picture is mostly something else.
    left, top, right, bottom = _shown(image.shape, matrix, size)
    image = image[top:bottom, left:right]
    working = shifted(matrix, left, top)
    scale = matrix_scale(matrix)
    if scale < 0.8:
        # A tall source region is reduced once; the warp that follows only turns and shifts it.
        small = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
        image = trimmed(image, small)
        height, width = image.shape[:2]
        image = reduced(image, small)
        # Pixel centres: x_big = (x_small + 0.5) * r - 0.5.
        ratio = np.array([width / small[0], height / small[1]])
        offset = working[:, 2] + working[:, :2] @ (0.5 * ratio - 0.5)
        working = np.column_stack([working[:, :2] * ratio, offset])
    back = np.asarray(cv2.invertAffineTransform(working), np.float64)
    return Crop(image=warp(image, back, (size, size)), matrix=matrix)


def _shown(shape: tuple[int, ...], matrix: Matrix, size: int) -> tuple[int, int, int, int]:
    """What of a photograph a crop shows, and what resampling reaches: left, top, right, bottom.

    At least one pixel, the nearest: what lies beyond the photograph repeats it.
    """
    inverse = cv2.invertAffineTransform(matrix)
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]], np.float64)
    reached = corners @ inverse[:, :2].T + inverse[:, 2]
    margin = math.ceil(4 / matrix_scale(matrix))
    last = np.array([shape[1], shape[0]]) - 1
    low = np.clip(np.floor(reached.min(0)) - margin, 0, last).astype(int)
    high = np.clip(np.ceil(reached.max(0)) + margin, 0, last).astype(int)
    return int(low[0]), int(low[1]), int(high[0]) + 1, int(high[1]) + 1


def inside_photograph(shape: tuple[int, ...], matrix: Matrix, size: int) -> NDArray[np.bool_]:
    """Which crop pixels come from the photograph and not from its repeated border, [S, S]."""
    ones = np.full(shape[:2], 255, np.uint8)
    mapped = cv2.warpAffine(ones, matrix, (size, size), flags=cv2.INTER_NEAREST)
    return np.asarray(mapped > 0)


def transform_points(points: NDArray[np.floating], matrix: Matrix) -> NDArray[np.float64]:
    """Map points [N, 2] from photograph pixels to crop pixels."""
    return np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]
