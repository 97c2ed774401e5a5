"""Photographs in and crops out: reading files, and the crop contract with a margin around it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import (
    Matrix,
    crop_matrix,
    cut,
    inside_photograph,
    transform_points,
)
from model_training.errors import InputError
from model_training.portraits.landmarks import LEFT_IRIS, RIGHT_IRIS

Image = NDArray[np.uint8]

OVERSAMPLING = 1.3
"""Faces are rendered this much larger than the crop: the final jitter then costs no sharpness."""


class PhotoError(InputError):
    """A photograph cannot be read."""


def read_photo(file: Path) -> Image:
    """Read a colour photograph, uint8 RGB [H, W, 3].

    Raises:
        PhotoError: missing or not an image.
    """
    try:
        data = np.frombuffer(file.read_bytes(), np.uint8)
    except OSError as error:
        raise PhotoError(f"cannot be read: {error.strerror}") from error
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if image is None:
        raise PhotoError("not an image")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


@dataclass(frozen=True, slots=True)
class Portrait:
    """A photograph cut to the crop contract at working resolution.

    Attributes:
        image: uint8 RGB [R, R, 3].
        landmarks: float64 [478, 2] in its pixels.
        matrix: photograph pixels -> crop pixels.
        photo_shape: (H, W) of the photograph.
    """

    image: Image
    landmarks: NDArray[np.float64]
    matrix: Matrix
    photo_shape: tuple[int, int]


def portrait(photo: Image, landmarks: NDArray[np.floating], size: int) -> Portrait:
    """Cut the aligned square of side `size` and carry the landmarks [478, 2] along."""
    matrix = crop_matrix(landmarks[RIGHT_IRIS], landmarks[LEFT_IRIS], size)
    crop = cut(photo, matrix, size)
    height, width = photo.shape[:2]
    return Portrait(crop.image, transform_points(landmarks, matrix), matrix, (height, width))


@dataclass(frozen=True, slots=True)
class Jitter:
    """The same small change of placement and grading for both members of a pair.

    Attributes:
        matrix: float64 [2, 3], working pixels -> crop pixels.
        gamma: exponent on display values.
        gain: factor after it.
        saturation: factor on colour differences.
    """

    matrix: Matrix
    gamma: float
    gain: float
    saturation: float


ROTATION_DEG, SHIFT, ZOOM = 2.0, 0.008, (0.94, 1.06)
GAMMA, GAIN, SATURATION = (0.8, 1.3), (0.85, 1.12), (0.6, 1.25)


def draw_jitter(rng: np.random.Generator, working: int, size: int) -> Jitter:
    """Draw placement (around the contract's eye midpoint) and grading."""
    centre = (working * 0.5, working * 0.44)
    zoom = rng.uniform(*ZOOM) * size / working
    turn = cv2.getRotationMatrix2D(centre, float(rng.normal(0, ROTATION_DEG)), zoom)
    matrix = np.asarray(turn, np.float64)
    matrix[:, 2] += np.array([size * 0.5, size * 0.44]) - centre + rng.normal(0, SHIFT * size, 2)
    return Jitter(matrix, rng.uniform(*GAMMA), rng.uniform(*GAIN), rng.uniform(*SATURATION))


def place(image: Image, jitter: Jitter, size: int) -> Image:
    """Cut the final crop and grade it."""
    warped = cv2.warpAffine(
        image, jitter.matrix, (size, size), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )
    curve = np.clip((np.arange(256) / 255) ** jitter.gamma * jitter.gain, 0, 1).astype(np.float32)
    graded = curve[warped]
    grey = graded.mean(axis=2, keepdims=True)
    coloured = grey + (graded - grey) * jitter.saturation
    return np.asarray(np.clip(coloured * 255, 0, 255), np.uint8)


def valid_pixels(face: Portrait, jitter: Jitter, size: int) -> NDArray[np.bool_]:
    """Which pixels of the final crop come from the photograph, bool [size, size]."""
    outer = np.vstack([jitter.matrix, [0, 0, 1]]) @ np.vstack([face.matrix, [0, 0, 1]])
    mask = inside_photograph(face.photo_shape, outer[:2], size)
    # The outermost pixel mixes with the repeated border when it is resampled.
    return np.asarray(cv2.erode(mask.astype(np.uint8), np.ones((3, 3)), borderValue=1) > 0)
