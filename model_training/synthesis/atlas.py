"""The face unwrapped: pictures of different people, point by point comparable in texture space."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model_training.portraits.landmarks import (
    LEFT_EYE_WIDE,
    LIPS_OUTER,
    LOWER_FACE,
    NOSTRILS,
    RIGHT_EYE_WIDE,
)
from model_training.synthesis.face_model import FaceModel, Region
from model_training.synthesis.rasterizer import Raster, interpolate, rasterize
from model_training.synthesis.subject import Subject

Floats = NDArray[np.float32]

TEXELS = 384
"""Side of the unwrapped face; about 20 texels a centimetre, finer than the crops need."""


@dataclass(frozen=True, slots=True)
class Atlas:
    """Where every texel lies on the mesh.

    Attributes:
        corners: int32 [T, 3], indices into per-corner values (3 per triangle).
        raster: the skin's triangles rasterised in texture space.
        usable: float32 [TEXELS, TEXELS] in [0, 1]: skin below the brows, without lips, eyes and
            nostrils, fading out toward them.
    """

    corners: NDArray[np.int32]
    raster: Raster
    usable: Floats


def build_atlas(model: FaceModel) -> Atlas:
    """Rasterise the model's texture layout."""
    corners = np.arange(3 * len(model.triangles), dtype=np.int32).reshape(-1, 3)
    flat = np.zeros((corners.size, 3), np.float32)
    flat[:, :2] = _texel(model.uv).reshape(-1, 2)
    flat[np.repeat(model.region != Region.SKIN, 3)] = 0
    flat[np.repeat((model.uv.max(axis=(1, 2)) > 1), 3)] = 0
    raster = rasterize(flat, corners, TEXELS, TEXELS)
    where = _landmark_texels(model)
    usable = np.zeros((TEXELS, TEXELS), np.uint8)
    cv2.fillPoly(usable, [np.round(where[list(LOWER_FACE)]).astype(np.int32)], 1)
    usable[raster.triangle < 0] = 0
    for outline in (LIPS_OUTER, RIGHT_EYE_WIDE, LEFT_EYE_WIDE, *NOSTRILS):
        cv2.fillPoly(usable, [np.round(where[list(outline)]).astype(np.int32)], 0)
    inner = cv2.erode(usable, np.ones((7, 7)))
    distance = cv2.distanceTransform(inner, cv2.DIST_L2, 5)
    return Atlas(corners, raster, np.clip(distance / 12, 0, 1).astype(np.float32))


def _texel(uv: Floats) -> Floats:
    """Texture coordinates to texel positions (rows down)."""
    return np.stack([uv[..., 0], 1 - uv[..., 1]], axis=-1) * (TEXELS - 1)


def _landmark_texels(model: FaceModel) -> Floats:
    """Texel position of each of the 468 landmarks' vertices, [468, 2]."""
    position = np.zeros((len(model.vertices), 2), np.float32)
    skin = (model.region == Region.SKIN) & (model.uv.max(axis=(1, 2)) <= 1)
    position[model.triangles[skin].ravel()] = _texel(model.uv[skin]).reshape(-1, 2)
    return position[model.mediapipe_vertices]


def unwrap(
    model: FaceModel, atlas: Atlas, subject: Subject, values: NDArray[np.floating]
) -> tuple[Floats, Floats]:
    """Look a picture up at every texel.

    Args:
        model: the face model.
        atlas: from `build_atlas`.
        subject: whose photograph it is.
        values: float [H, W] or [H, W, C], a picture of the photograph's size.

    Returns:
        float32 [TEXELS, TEXELS(, C)] and how well each texel is seen, [TEXELS, TEXELS] in [0, 1].
    """
    per_corner = subject.screen[model.triangles].reshape(-1, 3)
    at = interpolate(atlas.raster, atlas.corners, per_corner)
    facing = subject.normals[model.triangles][..., 2].reshape(-1, 1)
    seen = interpolate(atlas.raster, atlas.corners, facing)[:, :, 0]
    looked_up = cv2.remap(
        np.asarray(values, np.float32),
        at[:, :, 0],
        at[:, :, 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    height, width = subject.image.shape[:2]
    inside = (at[:, :, 0] > 0) & (at[:, :, 1] > 0) & (at[:, :, 0] < width - 1)
    inside &= at[:, :, 1] < height - 1
    confidence = np.clip((seen - 0.15) / 0.3, 0, 1) * inside
    return np.asarray(looked_up, np.float32), confidence.astype(np.float32)


def wrap(model: FaceModel, atlas: Atlas, raster: Raster, texture: Floats) -> Floats:
    """A texture [TEXELS, TEXELS] as the camera sees it on the mesh, [H, W]; 0 off the skin."""
    at = interpolate(raster, atlas.corners, _texel(model.uv).reshape(-1, 2))
    seen = cv2.remap(texture, at[:, :, 0], at[:, :, 1], cv2.INTER_LINEAR)
    region = np.where(raster.triangle >= 0, model.region[raster.triangle], -1)
    return np.where(region == Region.SKIN, seen, 0).astype(np.float32)
