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
from model_training.portraits.aligned import AlignedFace
from model_training.portraits.landmarks import LIPS_OUTER, STABLE, FloatArray

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
_LIPS, _STABLE = list(LIPS_OUTER), list(STABLE)

_MIN_AREA_FRACTION = 0.012
MAX_TINT = 12.0
"""Largest change of the skin round the mouth, smoothed over 3 % of the crop, in CIELAB units (half
a unit for a unit of lightness), at the 90th percentile. Beyond it light, skin or beard of the two
differ, and the network would learn to repaint cheeks."""


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


def _tint(result: Image, receiver: Image, mask: NDArray[np.uint8], mouth: FloatArray) -> float:
    """How much the skin round the mouth changed, see `MAX_TINT`."""
    sigma = receiver.shape[0] / 32
    smooth = [
        cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32), (0, 0), sigma)
        for image in (result, receiver)
    ]
    change = np.abs(smooth[0] - smooth[1]) @ np.array([0.5, 1.0, 1.0], np.float32)
    skin = mask.copy()
    cv2.fillConvexPoly(skin, cv2.convexHull(mouth.astype(np.int32)), 0)
    inside = change[skin > 0]
    return float(np.quantile(inside, 0.9)) if len(inside) else 0.0


def transplant(neutral: AlignedFace, donor: AlignedFace, rng: np.random.Generator) -> Image | None:
    """Put the donor's expression onto the neutral face.

    Returns:
        uint8 RGB [S, S, 3], or None when the two faces cannot be aligned, the region would reach
        beyond either photograph, or the skin round the mouth would change its tint.
    """
    size = neutral.image.shape[0]
    to_neutral, _ = cv2.estimateAffinePartial2D(
        donor.points[_STABLE], neutral.points[_STABLE], method=cv2.LMEDS
    )
    if to_neutral is None:  # though OpenCV's annotations say it never is
        return None  # type: ignore[unreachable]
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
    except cv2.error:  # Poisson blending refuses regions that touch the border
        return None
    lips = np.concatenate([points[_LIPS], neutral.points[_LIPS]])
    return result if _tint(result, neutral.image, mask, lips) <= MAX_TINT else None
