"""Second-order spherical-harmonics lighting, estimated from the skin of one photograph.

Ramamoorthi & Hanrahan 2001: nine coefficients describe nearly all diffuse light. Its colour and
brightness are read from the whites of the eyes.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from model_training.portraits import luma
from model_training.portraits.landmarks import LEFT_EYE, RIGHT_EYE

Floats = NDArray[np.float32]

GAMMA = 2.2
LUMA = np.array(luma.LUMA, np.float32)
_PRIOR = 0.003 * np.array([0, 1, 1, 1, 3, 3, 3, 3, 3])


def to_linear(image: NDArray[np.uint8]) -> Floats:
    """Display values to linear light in [0, 1] (a plain power law of 2.2), float32."""
    return np.asarray(_TO_LINEAR[image])


def to_display(light: Floats) -> NDArray[np.uint8]:
    """Linear light to display values, uint8; inverse of `to_linear`."""
    return np.asarray(_TO_DISPLAY[(np.clip(light, 0, 1) * (len(_TO_DISPLAY) - 1)).astype(np.int32)])


_TO_LINEAR = ((np.arange(256) / 255) ** GAMMA).astype(np.float32)
# Fine enough that every dark display value keeps several entries of its own.
_TO_DISPLAY = np.round((np.arange(2**20) / (2**20 - 1)) ** (1 / GAMMA) * 255).astype(np.uint8)


def harmonics(normals: NDArray[np.floating]) -> NDArray[np.floating]:
    """The nine basis functions at unit normals [N, 3], unnormalised, [N, 9]."""
    x, y, z = normals.T
    return np.stack(
        [np.ones_like(x), x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1], axis=1
    )


def estimate_light(
    normals: NDArray[np.floating], luminance: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Coefficients [9] that explain skin luminance by its normals, albedo taken as constant.

    Args:
        normals: unit normals [N, 3] of skin pixels.
        luminance: their linear luminance [N]; outliers (hair, nostrils, highlights) are left out.
    """
    median = np.median(luminance)
    usable = (luminance > median * 0.35) & (luminance < median * 2.2)
    basis = harmonics(normals[usable]).astype(np.float64)
    gram = basis.T @ basis + np.diag(len(basis) * _PRIOR + 1e-9)
    return np.asarray(np.linalg.solve(gram, basis.T @ luminance[usable]), np.float64)


def shading(normals: NDArray[np.floating], light: NDArray[np.float64], floor: float) -> Floats:
    """Diffuse shading [N] of unit normals under `light`, at least `floor`."""
    return np.maximum(harmonics(normals) @ light, floor).astype(np.float32)


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
