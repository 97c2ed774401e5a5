"""Real pairs: one person neutral and smiling (Face Research Lab London Set, CC BY 4.0).

The neutral photograph is brought onto the smiling one by landmarks that do not move. The two agree
inside the face only, so validity is the outline of both faces; hair and shirt differ by chance.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import Image
from model_training.portraits.aligned import AlignedFace
from model_training.portraits.landmarks import OUTLINE, STABLE, FloatArray

_HELD = [*STABLE, 10, 338, 109, 297, 67, 332, 103, 151, 9, 8, 116, 345]
"""`STABLE` and the forehead."""


class Registered(NamedTuple):
    """A neutral face brought onto an expressive one.

    Attributes:
        image: uint8 [S, S, 3].
        inside: bool [S, S], inside both outlines.
        points: float32 [478, 2], the neutral face's landmarks where they are now.
    """

    image: Image
    inside: NDArray[np.bool_]
    points: FloatArray


def register_neutral(neutral: AlignedFace, expressive: AlignedFace) -> Registered | None:
    """Bring the neutral face onto the expressive one.

    Args:
        neutral: a crop of the same size: `warpAffine` cannot average, so it must not reduce.
        expressive: the crop that stays as it is.

    Returns:
        The moved neutral face; None if the landmarks do not determine a transform.
    """
    size = expressive.image.shape[0]
    moved_by, _ = cv2.estimateAffine2D(
        neutral.points[_HELD], expressive.points[_HELD], method=cv2.LMEDS
    )
    if moved_by is None:  # though OpenCV's annotations say it never is
        return None  # type: ignore[unreachable]
    moved = cv2.warpAffine(
        neutral.image,
        moved_by,
        (size, size),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    points = neutral.points @ moved_by[:, :2].T + moved_by[:, 2]
    outline = list(OUTLINE)
    both = np.concatenate([points[outline], expressive.points[outline]]).astype(np.int32)
    inside = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(both), 1)
    grow = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size // 25 | 1, size // 25 | 1))
    return Registered(
        np.asarray(moved, np.uint8),
        cv2.dilate(inside, grow).astype(bool),
        np.asarray(points, np.float32),
    )
