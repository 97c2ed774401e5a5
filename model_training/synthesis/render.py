"""Render a subject in an expression: warp, relight, fold, and fill the mouth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model_training.synthesis.atlas import wrap
from model_training.synthesis.captures import offset_pixels
from model_training.synthesis.donors import Donors
from model_training.synthesis.expression import Expression
from model_training.synthesis.face_model import FaceModel
from model_training.synthesis.folds import painted_folds
from model_training.synthesis.interiors import Mouth, choose, fill, find_opening
from model_training.synthesis.lighting import shading, to_display, to_linear
from model_training.synthesis.mouth import blend_mouth, painted_mouth
from model_training.synthesis.rasterizer import interpolate
from model_training.synthesis.subject import Subject
from model_training.synthesis.warping import (
    Deformed,
    deform,
    displacement,
    reach,
    sample,
)

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]

STRONGEST = 1.2
"""Shapes are extrapolated to this activation at most."""
PAINTED_BESIDE_REAL = 0.35
"""Share of painted smile folds that stays where a ratio image brings real ones."""


@dataclass(frozen=True, slots=True)
class Look:
    """How an expression is drawn, apart from the expression itself.

    Attributes:
        relight: exponent of the change in shading; 0 leaves the light alone, 1 is physical.
        folds: strength of painted folds; 0 paints none.
        tooth_albedo: brightness of painted teeth.
        seed: of the folds' irregularities and the choice of a mouth.
        mouth: the mouth to show, instead of choosing one that fits.
    """

    relight: float = 1.0
    folds: float = 0.8
    tooth_albedo: float = 0.55
    seed: int = 0
    mouth: Mouth | None = None


def render(
    model: FaceModel,
    subject: Subject,
    expression: Expression,
    look: Look | None = None,
    donors: Donors | None = None,
) -> Image:
    """The photograph wearing an expression, uint8 RGB of the photograph's shape.

    Args:
        model: the face model.
        subject: from `prepare`.
        expression: what to add to the face.
        look: shading, folds and teeth.
        donors: real mouths and creases; without them both are painted.
    """
    look = look or Look()
    rng = np.random.default_rng(look.seed)
    deformed = pose_expression(model, subject, expression)
    warped = sample(subject.image, displacement(model, subject, deformed))
    light = to_linear(warped)
    factor = np.ones(light.shape[:2], np.float32)
    if look.relight > 0:
        factor *= relighting(model, subject, deformed, look.relight)
    real_creases = donors is not None and expression.crease is not None
    if real_creases:
        assert donors is not None
        assert expression.crease is not None
        creases = wrap(model, donors.atlas, deformed.raster, expression.crease)
        factor *= np.exp2(creases * np.float32(expression.crease_share))
    if look.folds > 0:
        factor *= painted_folds(
            model,
            deformed,
            np.clip(expression.weights, 0, STRONGEST),
            subject.scale,
            look.folds,
            rng,
            PAINTED_BESIDE_REAL if real_creases else 1.0,
        )
    light *= (1 + (factor - 1) * reach(model, subject, deformed))[:, :, None]
    if deformed.mouth.any():
        inside = _inside(model, subject, deformed, look, donors, rng)
        light = blend_mouth(light, inside, deformed.mouth, subject.scale)
    return to_display(light)


def pose_expression(model: FaceModel, subject: Subject, expression: Expression) -> Deformed:
    """The subject's mesh with an expression added."""
    activations = np.clip(subject.fit.expression + expression.weights, 0, STRONGEST)
    activations = np.where(subject.lid_travel == 1, activations, np.minimum(activations, 1))
    activations = activations * subject.lid_travel
    shift = None
    if expression.offset_cm is not None:
        shift = offset_pixels(subject, expression.offset_cm, 1.0)
    return deform(model, subject, activations.astype(np.float32), shift)


def fitting_mouth(
    model: FaceModel, subject: Subject, expression: Expression, donors: Donors, seed: int
) -> Mouth | None:
    """A donor's mouth for an expression, to be kept through a sequence that leads to it."""
    deformed = pose_expression(model, subject, expression)
    opening = find_opening(deformed.mouth, subject.scale)
    if opening is None:
        return None
    return choose(donors.mouths, opening.shape(), np.random.default_rng(seed))


def _inside(
    model: FaceModel,
    subject: Subject,
    deformed: Deformed,
    look: Look,
    donors: Donors | None,
    rng: np.random.Generator,
) -> Floats:
    """The mouth's inside, linear RGB: a real one where there is an opening and a donor for it."""
    mouth = look.mouth
    opening = find_opening(deformed.mouth, subject.scale) if donors is not None else None
    if opening is not None and mouth is None and donors is not None:
        mouth = choose(donors.mouths, opening.shape(), rng)
    if mouth is None or opening is None:
        inside = painted_mouth(model, subject, deformed, look.tooth_albedo)
    else:
        inside = fill(mouth, opening, deformed.mouth, subject.white)
    if subject.grey:
        inside = np.repeat(inside.mean(axis=2, keepdims=True), 3, axis=2)
    return inside


def relighting(model: FaceModel, subject: Subject, deformed: Deformed, strength: float) -> Floats:
    """Factor [H, W] by which the new shape's shading differs from the old one's."""
    floor = 0.15 * subject.skin_luminance
    before = shading(subject.normals, subject.light, floor)
    after = shading(deformed.normals, subject.light, floor)
    ratio = np.clip(after / before, 0.45, 1.9) ** np.float32(strength)
    seen = interpolate(deformed.raster, model.triangles, ratio[:, None])[:, :, 0]
    factor = np.where(deformed.skin, seen, 1).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(factor, (0, 0), max(0.6, subject.scale * 0.06)))
