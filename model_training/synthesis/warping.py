"""Move the photograph's pixels with the deformed mesh, and the background around it along."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model_training.portraits.landmarks import OUTLINE
from model_training.synthesis.face_model import MOUTH_REGIONS, FaceModel, Region
from model_training.synthesis.rasterizer import Raster, interpolate, rasterize, vertex_normals
from model_training.synthesis.subject import Subject

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

REACH_CM = 2.5
"""How far around the face the background follows it (Gaussian fall-off)."""
NEGLIGIBLE = 0.02
"""Fall-off below which the background is left exactly as it was."""
FULL_CM, FARTHEST_CM = 1.0, 5.0
"""Distances from the face's outline up to which, and beyond which, nothing is held back and nothing
moves."""
COARSE = 4
"""The background's displacement is smooth: it is computed at a quarter of the resolution."""


@dataclass(frozen=True, slots=True)
class Deformed:
    """The mesh in its new expression, seen by the camera.

    Attributes:
        screen: float32 [V, 3], projected vertices.
        normals: float32 [V, 3], camera space.
        raster: what every pixel sees.
        skin: bool [H, W], pixels of facial skin.
        mouth: bool [H, W], pixels of the mouth's inside.
    """

    screen: Floats
    normals: Floats
    raster: Raster
    skin: Mask
    mouth: Mask


def deform(
    model: FaceModel,
    subject: Subject,
    activations: NDArray[np.floating],
    shift: Floats | None = None,
) -> Deformed:
    """Put the subject's mesh into an expression and rasterise it.

    Args:
        model: the face model.
        subject: from `prepare`.
        activations: absolute, [E].
        shift: further displacement of the projected vertices, pixels [V, 2].
    """
    shape = model.deform(subject.identity_shape, activations)
    screen = subject.pose.project(shape)
    screen[:, :2] += subject.offset if shift is None else subject.offset + shift
    height, width = subject.image.shape[:2]
    raster = rasterize(screen, model.triangles, width, height)
    region = np.where(raster.triangle >= 0, model.region[raster.triangle], -1)
    return Deformed(
        screen=screen,
        normals=(vertex_normals(shape, model.triangles) @ subject.pose.rotation.T).astype(
            np.float32
        ),
        raster=raster,
        skin=region == Region.SKIN,
        mouth=np.isin(region, [int(r) for r in MOUTH_REGIONS]),
    )


def displacement(model: FaceModel, subject: Subject, deformed: Deformed) -> Floats:
    """From every pixel to where in the photograph its colour is, float32 [H, W, 2]."""
    height, width = deformed.skin.shape
    raster = deformed.raster
    seen = interpolate(raster, model.triangles, subject.texture)
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=2).astype(np.float32)
    textured = (raster.triangle >= 0) & ~deformed.mouth
    on_mesh = np.where(textured[:, :, None], seen - grid, 0).astype(np.float32)
    field = np.where(textured[:, :, None], on_mesh, _around(on_mesh, deformed.skin, subject.scale))
    # Across the silhouette and the lips the two fields meet: smooth them into one another.
    smooth = cv2.GaussianBlur(field, (0, 0), subject.scale * 0.12)
    edge = cv2.morphologyEx(deformed.skin.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3)))
    edge = cv2.dilate(edge, np.ones((5, 5)))[:, :, None]
    moved = np.where(edge > 0, smooth, field)
    return (moved * reach(model, subject, deformed)[:, :, None]).astype(np.float32)


def reach(model: FaceModel, subject: Subject, deformed: Deformed) -> Floats:
    """Share of movement and shading every pixel takes part in, [H, W] in [0, 1].

    All of it on the face, none far from it (the mesh goes down the neck, which expressions leave
    alone) and none behind glasses.
    """
    outline = model.mediapipe_vertices[list(OUTLINE)]
    face = np.zeros(deformed.skin.shape, np.uint8)
    for screen in (subject.screen, deformed.screen):
        cv2.fillPoly(face, [np.round(screen[outline, :2]).astype(np.int32)], 1)
    away = cv2.distanceTransform(1 - face, cv2.DIST_L2, 5) / subject.scale
    share = np.clip((FARTHEST_CM - away) / (FARTHEST_CM - FULL_CM), 0, 1)
    return np.asarray(share**2 * (3 - 2 * share) * (1 - subject.still), np.float32)


def _around(on_mesh: Floats, skin: Mask, scale: float) -> Floats:
    """The face's displacement continued into its surroundings and fading out."""
    height, width = skin.shape
    small = (max(1, width // COARSE), max(1, height // COARSE))
    weight = cv2.resize(skin.astype(np.float32), small, interpolation=cv2.INTER_AREA)
    moved = cv2.resize(on_mesh * skin[:, :, None], small, interpolation=cv2.INTER_AREA)
    sigma = scale * 2.0 / COARSE
    total = cv2.GaussianBlur(weight, (0, 0), sigma)
    mean = cv2.GaussianBlur(moved, (0, 0), sigma) / np.maximum(total, 1e-4)[:, :, None]
    distance = cv2.distanceTransform((~skin).astype(np.uint8), cv2.DIST_L2, 5)
    fade = np.exp(-((distance / (scale * REACH_CM)) ** 2))
    fade = np.clip((fade - NEGLIGIBLE) / (1 - NEGLIGIBLE), 0, None)
    large = cv2.resize(mean, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large * fade[:, :, None], np.float32)


def sample(image: NDArray[np.uint8], field: Floats) -> NDArray[np.uint8]:
    """The photograph looked up through a displacement field; pixels that do not move are exact."""
    height, width = field.shape[:2]
    grid_x, grid_y = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    warped = cv2.remap(
        image,
        grid_x + field[:, :, 0],
        grid_y + field[:, :, 1],
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(warped, np.uint8)
