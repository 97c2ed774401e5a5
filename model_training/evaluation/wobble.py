"""Whether ears, hair and background stay where they are: an expression moves none of them.

MediaPipe has no landmarks there. What is measured are textured points of the input (Shi and Tomasi)
that are found again in the output (Lucas and Kanade, forwards and back), in an aligned crop of
512 px. Ears are whatever lies beside the face between the temple and the lobe: an ear, hair over
it, or what is behind a head that is turned.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import Image, crop_matrix, cut, transform_points
from model_training.evaluation.mouth import EYES_APART, SIZE
from model_training.evaluation.rows import WobbleNumbers
from model_training.measure.picture import disc, filled
from model_training.portraits.landmarks import LEFT_IRIS, OUTLINE, RIGHT_IRIS

MARGIN, RING = 0.08, 0.5
"""Over the eye distance: outside begins so far from the outline (where the tracker's window no
longer sees the face), and points are looked for so far."""
EAR, EAR_TOP = 0.45, 0.2
"""Over the eye distance: an ear is at most so wide, and reaches so far above the temple."""
TEMPLES, LOBES, SIDES = (127, 356), (132, 361), (234, 454)
"""Landmarks of the outline at the top and the foot of the right and left ear, and beside it."""
MOST_POINTS, LEAST_POINTS = 400, 5
PERCENTILE = 95
_BACK = 1.0
"""A point that comes back farther from where it began (pixels) was not found again."""


def wobble(before: Image, after: Image, points: NDArray[np.floating]) -> WobbleNumbers:
    """Compare the surroundings of a face in input and output; all numbers should be 0.

    What was smeared so that no point of it is found again shows in `changed` alone.

    Args:
        before: the input, uint8 RGB [H, W, 3].
        after: the output in the same geometry, uint8 RGB [H, W, 3].
        points: MediaPipe landmarks [478, 2] of the input in its pixels.

    Raises:
        ValueError: the pictures differ in size.
    """
    if before.shape != after.shape:
        raise ValueError(f"pictures of one size are compared, not {before.shape}, {after.shape}")
    points = np.asarray(points, np.float64)
    matrix = crop_matrix(points[RIGHT_IRIS], points[LEFT_IRIS], SIZE)
    marks = transform_points(points, matrix)
    a, b = cut(before, matrix, SIZE).image, cut(after, matrix, SIZE).image
    face = filled(marks[list(OUTLINE)], a.shape)
    # Pixels that only repeat the photograph's border are no evidence.
    photo = np.full(before.shape[:2], 255, np.uint8)
    outside = cv2.warpAffine(photo, matrix, (SIZE, SIZE), flags=cv2.INTER_NEAREST) > 0
    outside &= cv2.dilate(face, disc(MARGIN * EYES_APART)) == 0
    near = outside & (cv2.dilate(face, disc(RING * EYES_APART)) > 0)
    changed = (a != b).any(2)[outside]
    return WobbleNumbers(
        outside=_movement(a, b, near),
        ears=_movement(a, b, outside & _beside(marks)),
        changed=float(changed.mean()) if changed.size else 0.0,
    )


def _beside(marks: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where ears are in the crop, [512, 512]."""
    rows, columns = np.indices((SIZE, SIZE))
    found = np.zeros((SIZE, SIZE), bool)
    for sign, temple, lobe, side in zip((-1, 1), TEMPLES, LOBES, SIDES, strict=True):
        away = sign * (columns - marks[side, 0]) / EYES_APART
        top = marks[temple, 1] - EAR_TOP * EYES_APART
        level = (rows > top) & (rows < marks[lobe, 1])
        found |= level & (away > 0) & (away < EAR)
    return found


def _movement(a: Image, b: Image, region: NDArray[np.bool_]) -> float | None:
    """The 95th percentile of how far the points of a region move, over the eye distance."""
    first, second = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (a, b))
    mask = region.astype(np.uint8)
    # None, says OpenCV, where there is no point at all.
    start = np.asarray(cv2.goodFeaturesToTrack(first, MOST_POINTS, 0.01, 4, mask=mask), np.float32)
    if len(np.atleast_1d(start)) < LEAST_POINTS:
        return None
    # The window and its one coarser level stay within MARGIN.
    window, coarser = (11, 11), 1
    end, there, _ = cv2.calcOpticalFlowPyrLK(
        first, second, start, start.copy(), winSize=window, maxLevel=coarser
    )
    again, back, _ = cv2.calcOpticalFlowPyrLK(
        second, first, end, end.copy(), winSize=window, maxLevel=coarser
    )
    found = ((there > 0) & (back > 0)).ravel()
    found &= np.linalg.norm((again - start).reshape(-1, 2), axis=1) <= _BACK
    if found.sum() < LEAST_POINTS:
        return None
    moved = np.linalg.norm((end - start).reshape(-1, 2)[found], axis=1)
    return float(np.percentile(moved, PERCENTILE) / EYES_APART)
