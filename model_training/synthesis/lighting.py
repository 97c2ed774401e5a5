"""Second-order spherical-harmonics lighting, estimated from the skin of one photograph.

Ramamoorthi & Hanrahan 2001: nine coefficients describe nearly all diffuse light.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model_training.portraits import luma

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
