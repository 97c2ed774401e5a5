"""Training crops cut by landmarks, through the same contract as serving (`app.faces.alignment`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import Image, crop_matrix, cut, inside_photograph, transform_points
from model_training.portraits.landmarks import LEFT_IRIS, RIGHT_IRIS, FloatArray


@dataclass(frozen=True)
class AlignedFace:
    """A crop with its landmarks.

    Attributes:
        image: uint8 RGB [S, S, 3].
        points: float32 [478, 2] in crop pixels.
        inside: bool [S, S]; False where the crop runs over the photograph's edge.
    """

    image: Image
    points: FloatArray
    inside: NDArray[np.bool_]


def read_rgb(file: Path) -> Image:
    """Read an image as uint8 RGB [H, W, 3]; `OSError` if it is not one."""
    bgr = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if bgr is None:
        raise OSError(f"not a readable image: {file}")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def align_face(image: Image, points: FloatArray, size: int) -> AlignedFace:
    """Cut the crop that the two iris centres define."""
    matrix = crop_matrix(points[RIGHT_IRIS], points[LEFT_IRIS], size)
    return AlignedFace(
        image=cut(image, matrix, size).image,
        points=transform_points(points, matrix).astype(np.float32),
        inside=inside_photograph(image.shape, matrix, size),
    )
