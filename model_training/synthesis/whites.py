"""The colour and brightness of the light on a face, read from the whites of the eyes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from model_training.portraits.landmarks import LEFT_EYE, RIGHT_EYE
from model_training.synthesis.lighting import LUMA, to_linear

Floats = NDArray[np.float32]


SKIN_HUE = (1.0, 0.62, 0.46)
"""Reflectance of skin, linear RGB up to brightness: nearly the same hue for all skin tones."""


def white_point(image: NDArray[np.uint8], landmarks: NDArray[np.floating]) -> Floats:
    """Linear RGB of the whites of the eyes: the light's colour and brightness on this face.

    Averages the brighter part of both eye openings, highlights left out.
    """
    mask = np.zeros(image.shape[:2], np.uint8)
    for eye in (RIGHT_EYE, LEFT_EYE):
        cv2.fillPoly(mask, [np.round(landmarks[list(eye)]).astype(np.int32)], 1)
    inner = cv2.erode(mask, np.ones((3, 3)))
    pixels = to_linear(image[inner > 0])
    cheek = to_linear(_cheeks(image, landmarks)).mean(0)
    if len(pixels) < 12:
        pixels = cheek[None] * np.float32(1.2)
    light = pixels @ LUMA
    low, high = np.quantile(light, [0.6, 0.93])
    white = pixels[(light >= low) & (light <= high)].mean(0)
    # Eyes in shadow or behind glasses: at least as bright as the cheeks.
    brightness = max(float(white @ LUMA), 0.9 * float(cheek @ LUMA))
    # An iris may have coloured the whites: let the skin tell the light's hue, too.
    hue = np.sqrt(_hue(white) * _hue(cheek / np.array(SKIN_HUE, np.float32)))
    return np.asarray(hue / float(hue @ LUMA) * brightness, np.float32)


def _hue(colour: Floats) -> Floats:
    """A colour at unit luminance."""
    return np.asarray(np.maximum(colour, 1e-4) / max(float(colour @ LUMA), 1e-4), np.float32)


def _cheeks(image: NDArray[np.uint8], landmarks: NDArray[np.floating]) -> NDArray[np.uint8]:
    side = max(2, len(image) // 40)
    patches = []
    for landmark in (50, 280):
        x, y = np.clip(landmarks[landmark].astype(int), side, len(image) - side - 1)
        patches.append(image[y - side : y + side, x - side : x + side].reshape(-1, 3))
    return np.concatenate(patches)
