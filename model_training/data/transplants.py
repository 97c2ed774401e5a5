"""Transplants: the lower face of a real expressive photograph, put onto a real neutral one.

The donor is aligned by landmarks that do not move with expression, its colours are matched, and it
is Poisson-blended (Perez et al. 2003); the target is the untouched neutral face. This brings what
no renderer draws well: real teeth, real folds, real stubble round an open mouth.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import Image
from model_training.data.aligned import AlignedFace
from model_training.data.landmarks import FloatArray

# MediaPipe landmark ids.
LOWER_FACE = [
    *(234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288),
    *(361, 323, 454, 447, 345, 346, 347, 348, 349, 350, 4, 121, 120, 119, 118, 117, 116, 227),
]
"""Jaw line, under the eyes and down to the nose tip."""
MOUTH = [
    *(216, 206, 203, 98, 97, 2, 326, 327, 423, 426, 436, 432, 422, 424, 418, 421, 200, 201, 194),
    *(204, 202, 212),
]
"""Inside the nasolabial folds, from under the nose to the chin."""
UPPER_FACE = [70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 446, 340, 346, 6, 117, 111, 226]
"""Brows and eyes."""
STABLE = [33, 133, 362, 263, 168, 6, 197, 195, 127, 356, 234, 454, 21, 251]
"""Eye corners, nose bridge and temples: they hardly move with expression."""

_MIN_AREA_FRACTION = 0.012


def _region(points: FloatArray, size: int) -> NDArray[np.uint8]:
    mask = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(points.astype(np.int32)), 255)
    mask[:2] = mask[-2:] = 0
    mask[:, :2] = mask[:, -2:] = 0
    return mask


def _match_colours(donor: Image, receiver: Image, mask: NDArray[np.uint8]) -> Image:
    """Give the donor the receiver's mean and (within limits) spread in each CIELAB channel."""
    source = cv2.cvtColor(donor, cv2.COLOR_RGB2LAB).astype(np.float32)
    target = cv2.cvtColor(receiver, cv2.COLOR_RGB2LAB).astype(np.float32)
    inside = mask > 0
    for channel in range(3):
        a, b = source[inside][:, channel], target[inside][:, channel]
        gain = np.clip((b.std() + 3) / (a.std() + 3), 0.75, 1.3)
        source[..., channel] = (source[..., channel] - a.mean()) * gain + b.mean()
    matched = cv2.cvtColor(np.clip(source, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB)
    return np.asarray(matched, np.uint8)


def _paste(donor: Image, receiver: Image, mask: NDArray[np.uint8]) -> Image:
    x, y, width, height = cv2.boundingRect(mask)
    # seamlessClone changes the mask that it is given.
    blended = cv2.seamlessClone(
        donor, receiver, mask.copy(), (x + width // 2, y + height // 2), cv2.NORMAL_CLONE
    )
    sigma = receiver.shape[0] / 80
    alpha = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), sigma)[..., None]
    return (blended * alpha + receiver * (1 - alpha)).astype(np.uint8)


def transplant(neutral: AlignedFace, donor: AlignedFace, rng: np.random.Generator) -> Image | None:
    """Put the donor's expression onto the neutral face.

    Returns:
        uint8 RGB [S, S, 3], or None when the two faces cannot be aligned or the region would
        reach beyond either photograph.
    """
    size = neutral.image.shape[0]
    to_neutral, _ = cv2.estimateAffinePartial2D(
        donor.points[STABLE], neutral.points[STABLE], method=cv2.LMEDS
    )
    if to_neutral is None:
        return None
    moved = cv2.warpAffine(
        donor.image,
        to_neutral,
        (size, size),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    present = cv2.warpAffine(donor.inside.astype(np.uint8), to_neutral, (size, size)) > 0
    points = donor.points @ to_neutral[:, :2].T + to_neutral[:, 2]
    whole = rng.random() < 0.6
    outline = np.concatenate([points[LOWER_FACE], neutral.points[LOWER_FACE]])
    mask = _region(outline if whole else points[MOUTH], size)
    area = int((mask > 0).sum())
    usable = present & neutral.inside
    if area < _MIN_AREA_FRACTION * size * size or (usable[mask > 0]).mean() < 0.97:
        return None
    colours = _match_colours(np.asarray(moved, np.uint8), neutral.image, mask)
    try:
        result = _paste(colours, neutral.image, mask)
        if rng.random() < 0.3:
            upper = _region(points[UPPER_FACE], size)
            upper[mask > 0] = 0
            if (upper > 0).any() and present[upper > 0].all():
                result = _paste(colours, result, upper)
    except cv2.error:  # Poisson blending refuses regions that touch the border
        return None
    return result
