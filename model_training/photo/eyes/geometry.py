"""Eyes by MediaPipe's landmarks: how far open they are, and where they look."""

from __future__ import annotations

import numpy as np

from model_training.portraits.landmarks import LEFT_IRIS, RIGHT_IRIS, FloatArray

RIGHT_UPPER = (33, 246, 161, 160, 159, 158, 157, 173, 133)
RIGHT_LOWER = (33, 7, 163, 144, 145, 153, 154, 155, 133)
LEFT_UPPER = (263, 466, 388, 387, 386, 385, 384, 398, 362)
LEFT_LOWER = (263, 249, 390, 373, 374, 380, 381, 382, 362)
"""MediaPipe's lid contours from the outer corner to the inner one."""

SHUT_APERTURE, OPEN_APERTURE = 0.07, 0.12
"""Lid distance over eye width below which an eye is shut, and above which it is open.

Looked at: of 150 FairFace eyes below 0.08 nearly all are shut; laughing slits begin at 0.07."""


def apertures(points: FloatArray) -> FloatArray:
    """Lid distance over eye width of both eyes, right first; points [..., 478, 2] -> [..., 2]."""
    found = []
    for upper, lower in ((RIGHT_UPPER, RIGHT_LOWER), (LEFT_UPPER, LEFT_LOWER)):
        above, below = points[..., list(upper), :], points[..., list(lower), :]
        width = np.linalg.norm(above[..., 0, :] - above[..., -1, :], axis=-1)
        gap = above[..., 3:6, :].mean(-2) - below[..., 3:6, :].mean(-2)
        found.append(np.linalg.norm(gap, axis=-1) / np.maximum(width, 1e-3))
    return np.asarray(np.stack(found, -1), np.float32)


def gaze_offset(points: FloatArray) -> FloatArray:
    """How far both irises lie beside the middle of their eyes, over eye width.

    0 looks at the camera; both eyes turned to one side give the same sign, so convergence cancels.
    """
    sides = []
    for upper, iris in ((RIGHT_UPPER, RIGHT_IRIS), (LEFT_UPPER, LEFT_IRIS)):
        first, last = points[..., upper[0], :], points[..., upper[-1], :]
        width = np.maximum(np.linalg.norm(last - first, axis=-1), 1e-3)
        sides.append((points[..., iris, 0] - (first + last)[..., 0] / 2) / width)
    return np.asarray(np.mean(sides, axis=0), np.float32)


def shut_labels(aperture: FloatArray, blink: FloatArray) -> FloatArray:
    """1 where an eye is shut, 0 where it is open, 0.5 between; same shape as the inputs."""
    shut = (aperture < SHUT_APERTURE) & (blink > 0.45)
    opened = (aperture > OPEN_APERTURE) & (blink < 0.6)
    return np.where(shut, 1.0, np.where(opened, 0.0, 0.5)).astype(np.float32)
