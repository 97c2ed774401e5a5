"""Openings of a face from its landmarks, and how facts become slices."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from model_training.portraits.landmarks import INNER_LIPS, LEFT_IRIS, RIGHT_IRIS

Floats = NDArray[np.float64]

EYELIDS = ((159, 145, 33, 133), (386, 374, 362, 263))
"""Upper lid, lower lid and the two corners of the right and of the left eye."""


def is_expression(name: str) -> bool:
    """Whether a blendshape counts: all but gaze (`eyeLook...`) and `_neutral`."""
    return name != "_neutral" and not name.startswith("eyeLook")


def geometry(points: NDArray[np.floating]) -> tuple[Floats, Floats, Floats]:
    """Inter-ocular distance, lip gap and eye opening.

    Args:
        points: MediaPipe landmarks [..., 478, 2] in pixels.

    Returns:
        (pixels between the irises, lip gap / inter-ocular distance,
        lid distance / eye width, averaged over both eyes), each [...].
    """
    points = np.asarray(points, np.float64)

    def distance(a: int, b: int) -> Floats:
        return np.asarray(np.linalg.norm(points[..., a, :] - points[..., b, :], axis=-1))

    inter_ocular: Floats = np.maximum(distance(RIGHT_IRIS, LEFT_IRIS), 1e-6)
    each = [distance(up, low) / np.maximum(distance(a, b), 1e-6) for up, low, a, b in EYELIDS]
    opening: Floats = np.asarray(sum(each)) / len(EYELIDS)
    return inter_ocular, distance(*INNER_LIPS) / inter_ocular, opening


def age_band(age: str) -> str:
    """`24`, `20-29` -> `18-29`; bands of ten years from 30 on; empty without a number."""
    number = re.search(r"\d+", age)
    if number is None:
        return ""
    years = int(number[0])
    if years < 30:
        return "18-29" if years >= 18 else "0-17"
    return f"{years // 10 * 10}-{years // 10 * 10 + 9}" if years < 60 else "60+"
