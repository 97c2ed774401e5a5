"""The mouth's inside painted from the mesh: the fallback where no photograph's mouth fits."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from model_training.synthesis.face_model import FaceModel, Region
from model_training.synthesis.lighting import harmonics
from model_training.synthesis.rasterizer import interpolate
from model_training.synthesis.subject import Subject
from model_training.synthesis.warping import Deformed

Floats = NDArray[np.float32]

# Linear RGB reflectance.
SOCKET = (0.16, 0.05, 0.05)
GUMS = (0.34, 0.11, 0.10)
TOOTH_TINT = (1.0, 0.95, 0.86)


def painted_mouth(
    model: FaceModel, subject: Subject, deformed: Deformed, tooth_albedo: float
) -> Floats:
    """Linear RGB [H, W, 3] of teeth, gums and throat under the photograph's light.

    Defined where `deformed.mouth` is set. Depth behind the lips and nearness to them darken it:
    little light gets there.
    """
    mouth, raster = deformed.mouth, deformed.raster
    albedo = np.zeros((len(Region), 3), np.float32)
    albedo[Region.MOUTH_SOCKET] = SOCKET
    albedo[Region.GUMS] = GUMS
    albedo[Region.TEETH] = np.multiply(TOOTH_TINT, tooth_albedo)
    base = albedo[model.region[raster.triangle[mouth]]]

    normals = interpolate(raster, model.triangles, deformed.normals)[mouth]
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
    normals[:, 2] = np.abs(normals[:, 2])  # the socket is seen from its inside
    frontal = max(float((harmonics(np.array([[0.0, 0.0, 1.0]])) @ subject.light)[0]), 1e-3)
    shade = np.clip(harmonics(normals) @ subject.light / frontal, 0.45, 1.25)
    # Albedo of skin is about a quarter: brighter skin values mean a brighter exposure.
    shade *= np.clip(0.45 + 0.75 * subject.skin_luminance / 0.25, 0.6, 1.25)

    lips = deformed.screen[list(model.inner_lips), 2].mean()
    behind = (lips - raster.depth[mouth]) / subject.scale
    reach = np.exp(-np.clip(behind - 0.7, 0, None) / 1.2)
    inward = cv2.distanceTransform(mouth.astype(np.uint8), cv2.DIST_L2, 3)[mouth] / subject.scale
    reach *= np.clip(0.5 + inward * 2.2, 0, 1)

    inside = np.zeros((*mouth.shape, 3), np.float32)
    inside[mouth] = np.minimum(base * (shade * reach)[:, None], 0.75)
    return _smooth_inside(inside, mouth, max(0.5, subject.scale * 0.045))


def _smooth_inside(inside: Floats, mouth: NDArray[np.bool_], sigma: float) -> Floats:
    """Blur within the mask only, so that nothing bleeds in from outside."""
    weight = cv2.GaussianBlur(mouth.astype(np.float32), (0, 0), sigma)
    blurred = cv2.GaussianBlur(inside, (0, 0), sigma) / np.maximum(weight, 1e-3)[:, :, None]
    return np.where(mouth[:, :, None], blurred, 0).astype(np.float32)


def blend_mouth(light: Floats, inside: Floats, mouth: NDArray[np.bool_], scale: float) -> Floats:
    """Lay the mouth's inside over the face with a soft edge; all linear RGB [H, W, 3]."""
    alpha = cv2.GaussianBlur(mouth.astype(np.float32), (0, 0), max(0.6, scale * 0.05))[:, :, None]
    grown = cv2.dilate(inside, np.ones((5, 5)))
    over = np.where(mouth[:, :, None], inside, grown)
    return np.asarray(light * (1 - alpha) + over * alpha, np.float32)
