"""Fit pose, identity and expression of the face model to the landmarks of one photograph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_training.synthesis.face_model import FaceModel

Floats = NDArray[np.float32]

ITERATIONS = 6
IDENTITY_PRIOR = 0.6
EXPRESSION_PRIOR = 4.0
"""Ridge weights of the coefficients (standard deviations, activations) against landmark residuals
in centimetres; found by eye on portraits: weaker priors explain landmark noise as expression."""
GAZE_SHAPES = ("eyeLook", "Pupil")


@dataclass(frozen=True, slots=True)
class Pose:
    """Scaled orthographic camera: pixels = scale * (rotation @ point)[:2] + shift, y up.

    Attributes:
        rotation: float32 [3, 3].
        scale: pixels per centimetre.
        shift: float32 [2], pixels (y up).
    """

    rotation: Floats
    scale: float
    shift: Floats

    def project(self, points: Floats) -> Floats:
        """Points [V, 3] in centimetres to x, y (pixels, y down) and depth (larger = nearer)."""
        turned = points @ self.rotation.T * np.float32(self.scale)
        turned[:, :2] += self.shift
        turned[:, 1] *= -1
        return np.asarray(turned, np.float32)


@dataclass(frozen=True, slots=True)
class Fit:
    """Result of `fit`.

    Attributes:
        identity: float32 [K], standard deviations.
        expression: float32 [E], activations in [0, 1]; gaze shapes stay 0.
        pose: the camera.
        rms_cm: root mean square landmark residual in centimetres on the face.
    """

    identity: Floats
    expression: Floats
    pose: Pose
    rms_cm: float


def movable_shapes(model: FaceModel, ignore: tuple[str, ...] = ()) -> NDArray[np.bool_]:
    """Expression shapes that landmarks of the face reveal (all but gaze and pupils), [E]."""
    return np.array([not name.startswith(GAZE_SHAPES + ignore) for name in model.expression_names])


def fit(
    model: FaceModel,
    landmarks: NDArray[np.floating],
    identity: Floats | None = None,
    expression_prior: float = EXPRESSION_PRIOR,
    ignore: tuple[str, ...] = (),
) -> Fit:
    """Alternate between the camera and a regularised linear solve for the coefficients.

    Args:
        model: the face model.
        landmarks: [478, 2] MediaPipe landmarks in pixels.
        identity: [K] coefficients known from a neutral photograph of the same person; with them
            expression is no longer confused with the shape of the face, and a weaker prior does.
        expression_prior: ridge weight of the expression activations.
        ignore: beginnings of names of shapes to leave at rest.

    Raises:
        numpy.linalg.LinAlgError: the landmarks are degenerate.
    """
    vertices = model.landmark_vertices
    mean = model.vertices[vertices].astype(np.float64)
    shapes = movable_shapes(model, ignore)
    identity_basis = model.identity[:, vertices].astype(np.float64)
    if identity is not None:
        mean = mean + np.tensordot(identity.astype(np.float64), identity_basis, 1)
        identity_basis = identity_basis[:0]
    expression_basis = model.expression[:, vertices] * shapes[:, None, None]
    basis = np.concatenate([identity_basis, expression_basis])
    prior = np.repeat(
        [IDENTITY_PRIOR, expression_prior], [len(identity_basis), len(expression_basis)]
    )
    weights = model.landmark_weights.astype(np.float64)
    target = np.asarray(landmarks, np.float64)[model.landmark_ids] * [1, -1]
    coefficients: NDArray[np.floating] = np.zeros(len(basis))
    count = len(identity_basis)
    for _ in range(ITERATIONS - 1):
        points = mean + np.tensordot(coefficients, basis, 1)
        pose = _camera(points, target, weights)
        view = pose.rotation[:2].astype(np.float64)
        residual = (target - pose.shift) / pose.scale - mean @ view.T
        design = (basis @ view.T).reshape(len(basis), -1).T
        weighted = design * np.repeat(weights, 2)[:, None] ** 2
        solved = np.linalg.solve(
            weighted.T @ design + np.diag(prior), weighted.T @ residual.ravel()
        )
        solved[count:] = np.clip(solved[count:], 0, 1) * shapes
        coefficients = solved
    points = mean + np.tensordot(coefficients, basis, 1)
    pose = _camera(points, target, weights)
    error = pose.project(points.astype(np.float32))[:, :2] * [1, -1] - target
    rms = float(np.sqrt((error**2).sum(1).mean())) / pose.scale
    return Fit(
        coefficients[:count].astype(np.float32) if identity is None else identity,
        coefficients[count:].astype(np.float32),
        pose,
        rms,
    )


def _camera(
    points: NDArray[np.floating], target: NDArray[np.floating], weights: NDArray[np.floating]
) -> Pose:
    """Weighted least-squares affine camera, made into a scaled rotation."""
    share = (weights / weights.sum())[:, None]
    centre, middle = (points * share).sum(0), (target * share).sum(0)
    affine, *_ = np.linalg.lstsq(
        (points - centre) * weights[:, None], (target - middle) * weights[:, None], rcond=None
    )
    first, second = affine[:, 0], affine[:, 1]
    scale = float(np.linalg.norm(first) + np.linalg.norm(second)) / 2
    first = first / np.linalg.norm(first)
    second = second - first * (first @ second)
    second = second / np.linalg.norm(second)
    rotation = np.stack([first, second, np.cross(first, second)])
    shift = middle - scale * rotation[:2] @ centre
    return Pose(rotation.astype(np.float32), scale, shift.astype(np.float32))
