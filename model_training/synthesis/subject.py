"""A photograph with the face model laid over it, ready to be rendered in other expressions."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.spatial import cKDTree

from model_training.synthesis.face_model import FaceModel, Region
from model_training.synthesis.fitting import Fit, Pose, fit
from model_training.synthesis.glasses import held_still
from model_training.synthesis.lighting import estimate_light, to_linear, white_point
from model_training.synthesis.rasterizer import Raster, interpolate, rasterize, vertex_normals

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]

LIGHT_SAMPLES = 6000
GREY_CHROMA = 5.0
LIDS = {"eyeBlink_R": (159, 145), "eyeBlink_L": (386, 374)}
LID_TRAVEL = (0.7, 1.6)


@dataclass(frozen=True, slots=True)
class Subject:
    """One fitted photograph.

    Attributes:
        image: uint8 RGB [H, W, 3].
        landmarks: float [478, 2] in pixels.
        fit: coefficients and camera.
        identity_shape: float32 [V, 3], the person without expression, centimetres.
        offset: float32 [V, 2], pixels that move projected vertices onto the landmarks.
        screen: float32 [V, 3], projected vertices of the photograph as it is.
        texture: float32 [V, 2], where in the photograph a vertex finds its colour.
        normals: float32 [V, 3], camera space.
        light: [9] spherical-harmonics coefficients.
        skin_luminance: median linear luminance of the skin.
        white: float32 [3], linear RGB of white under the photograph's light.
        grey: the photograph has no colour.
        raster: what every pixel of the photograph sees.
        lid_travel: float32 [E], by how much to multiply activations so that a full blink closes
            this person's eyes, whose lids may be further apart than the mesh's.
        still: float32 [H, W], share of movement that glasses take away.
    """

    image: Image
    landmarks: NDArray[np.floating]
    fit: Fit
    identity_shape: Floats
    offset: Floats
    screen: Floats
    texture: Floats
    normals: Floats
    light: NDArray[np.float64]
    skin_luminance: float
    white: Floats
    grey: bool
    raster: Raster
    lid_travel: Floats
    still: Floats

    @property
    def pose(self) -> Pose:
        """Camera of the fit."""
        return self.fit.pose

    @property
    def scale(self) -> float:
        """Pixels per centimetre on the face."""
        return self.fit.pose.scale


def prepare(
    model: FaceModel, image: Image, landmarks: NDArray[np.floating], fitted: Fit | None = None
) -> Subject:
    """Fit the model to a photograph and measure its light.

    Args:
        model: the face model.
        image: uint8 RGB [H, W, 3].
        landmarks: [478, 2] in pixels of `image`.
        fitted: a fit made before for the same landmarks.
    """
    fitted = fitted or fit(model, landmarks)
    identity_shape = (model.vertices + np.tensordot(fitted.identity, model.identity, 1)).astype(
        np.float32
    )
    shape = model.deform(identity_shape, fitted.expression)
    screen = fitted.pose.project(shape)
    offset = _landmark_offset(model, screen, landmarks, fitted.pose.scale)
    screen[:, :2] += offset
    height, width = image.shape[:2]
    raster = rasterize(screen, model.triangles, width, height)
    normals = vertex_normals(shape, model.triangles) @ fitted.pose.rotation.T
    texture = _texture_positions(model, shape, screen, normals, raster)
    light, luminance = _measure_light(model, image, raster, normals)
    return Subject(
        image=image,
        landmarks=landmarks,
        fit=fitted,
        identity_shape=identity_shape,
        offset=offset,
        screen=screen,
        texture=texture,
        normals=normals.astype(np.float32),
        light=light,
        skin_luminance=luminance,
        white=white_point(image, landmarks),
        grey=float(np.ptp(image[::8, ::8].astype(int), axis=2).mean()) < GREY_CHROMA,
        raster=raster,
        still=held_still(image),
        lid_travel=_lid_travel(model, fitted, screen),
    )


def _landmark_offset(
    model: FaceModel, screen: Floats, landmarks: NDArray[np.floating], scale: float
) -> Floats:
    """Smooth displacement [V, 2] that closes the residual at the landmarks (thin-plate spline).

    It fades out beyond about a centimetre from the nearest landmark, where a spline extrapolates.
    """
    vertices, first = np.unique(model.landmark_vertices, return_index=True)
    anchors = screen[vertices, :2].astype(np.float64)
    residual = landmarks[model.landmark_ids[first]] - anchors
    spline = RBFInterpolator(anchors, residual, kernel="thin_plate_spline", smoothing=scale * 2.0)
    skin = screen[: model.skin_count, :2]
    moved = spline(skin.astype(np.float64))
    distance, nearest = cKDTree(skin).query(screen[model.skin_count :, :2])
    inner = moved[nearest] * np.exp(-((distance / (1.5 * scale)) ** 2))[:, None]
    offset = np.concatenate([moved, inner])
    beyond, _ = cKDTree(anchors).query(screen[:, :2])
    offset *= np.exp(-(np.clip(beyond / scale - 1.0, 0, None) ** 2))[:, None]
    return offset.astype(np.float32)


def _lid_travel(model: FaceModel, fitted: Fit, screen: Floats) -> Floats:
    """Factor [E] on `eyeBlink_*` that makes the upper lid meet the lower one, 1 elsewhere."""
    factor = np.ones(len(model.expression_names), np.float32)
    for name, (upper, lower) in LIDS.items():
        shape = model.shape_index(name)
        up, low = (int(model.mediapipe_vertices[landmark]) for landmark in (upper, lower))
        gap = float(screen[low, 1] - screen[up, 1])
        closing = (model.expression[shape, [low, up]] @ fitted.pose.rotation.T)[:, 1]
        travel = float(closing[0] - closing[1]) * fitted.pose.scale
        if travel > 0.05 * fitted.pose.scale:
            factor[shape] = np.clip(0.82 * gap / travel, *LID_TRAVEL)
    return factor


def _texture_positions(
    model: FaceModel, shape: Floats, screen: Floats, normals: Floats, raster: Raster
) -> Floats:
    """Where each vertex finds its colour; a hidden one borrows from the nearest visible one."""
    visible = np.zeros(len(shape), bool)
    visible[model.triangles[raster.triangle[raster.triangle >= 0]].ravel()] = True
    visible &= normals[:, 2] > 0.05
    texture = screen[:, :2].copy()
    for group in model.groups:
        seen, hidden = group[visible[group]], group[~visible[group]]
        if len(seen) and len(hidden):
            _, nearest = cKDTree(shape[seen]).query(shape[hidden])
            texture[hidden] = screen[seen[nearest], :2]
    return texture


def _measure_light(
    model: FaceModel, image: Image, raster: Raster, normals: Floats
) -> tuple[NDArray[np.float64], float]:
    """Light coefficients [9] and the median linear luminance of the skin."""
    is_skin = (raster.triangle >= 0) & (model.region[raster.triangle] == Region.SKIN)
    rows, columns = np.nonzero(is_skin)
    picked = np.random.default_rng(0).choice(
        len(rows), min(LIGHT_SAMPLES, len(rows)), replace=False
    )
    rows, columns = rows[picked], columns[picked]
    field = interpolate(raster, model.triangles, normals.astype(np.float32))[rows, columns]
    field /= np.linalg.norm(field, axis=1, keepdims=True) + 1e-9
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[rows, columns]
    luminance = to_linear(np.asarray(grey, np.uint8))
    return estimate_light(field, luminance), float(np.median(luminance))
