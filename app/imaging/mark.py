"""A visible line at the lower edge of an altered picture that says so."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

TEXT = "Altered by AI - StoicNet"
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def with_mark(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy with the mark: white on a dark strip, a third of the width but legible.

    Args:
        image: uint8 RGB [H, W, 3], or RGBA [H, W, 4], opaque where the mark is.
    """
    marked = image.copy()
    height, width = marked.shape[:2]
    (length, _), _ = cv2.getTextSize(TEXT, _FONT, 1.0, 1)
    scale = min(max(width / 3, 170.0), width * 0.96) / length
    thickness = max(1, round(scale * 1.6))
    (length, tall), below = cv2.getTextSize(TEXT, _FONT, scale, thickness)
    pad = max(2, tall // 2)
    top = max(0, height - tall - below - 2 * pad)
    left = max(0, width - length - 2 * pad)
    strip = marked[top:, left:]
    strip[..., :3] = (strip[..., :3].astype(np.uint16) * 3 // 10).astype(np.uint8)
    strip[..., 3:] = 255
    place = (left + pad, height - below - pad)
    cv2.putText(marked, TEXT, place, _FONT, scale, (255, 255, 255, 255), thickness, cv2.LINE_AA)
    return marked
