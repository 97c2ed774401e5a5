"""Draw expressions: a FACS prototype at a random intensity, stray action units, asymmetry, gaze."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from model_training.synthesis.actions import (
    ACTION_UNITS,
    GAZE,
    PROTOTYPES,
    measured_units,
    shape_weights,
)
from model_training.synthesis.captures import Capture
from model_training.synthesis.donors import Donors
from model_training.synthesis.expression import Expression
from model_training.synthesis.face_model import FaceModel

GAZE_SHARE, BLINK_SHARE = 0.12, 0.08


CAPTURED_SHARE = 0.25


def draw_expression(
    model: FaceModel,
    rng: np.random.Generator,
    donors: Donors | None = None,
    names: tuple[str, ...] = (),
) -> Expression:
    """Draw a captured expression, or one of the prototypes uniformly.

    Args:
        model: the face model.
        rng: of this pair.
        donors: whose captures and creases to use.
        names: only these prototypes; all, and captures, if empty.
    """
    captures = donors.captures if donors else []
    if captures and not names and rng.random() < CAPTURED_SHARE:
        return draw_captured(model, captures, rng)
    drawn = draw_prototype(model, rng, names or tuple(PROTOTYPES))
    if captures:
        # Creases of somebody's real smile, as deep as this smile is.
        smile = 0.6 * drawn.units["AU12"] + 0.5 * drawn.units["AU6"]
        capture = captures[int(rng.integers(len(captures)))]
        share = min(smile, 1.2) * rng.uniform(0.7, 1.4)
        return replace(drawn, crease=capture.log_ratio, crease_share=share)
    return drawn


def draw_captured(
    model: FaceModel, captures: list[Capture], rng: np.random.Generator
) -> Expression:
    """A captured smile, or one between two of them, weaker or stronger than it was."""
    first, second = (captures[int(i)] for i in rng.integers(len(captures), size=2))
    mix = np.float32(rng.uniform(0, 0.5) if rng.random() < 0.5 else 0)
    share = rng.uniform(0.4, 1.25)
    weights = (1 - mix) * first.weights + mix * second.weights
    whole = Expression(
        name="captured_smile",
        units=measured_units(model, np.clip(weights, 0, None)),
        weights=weights,
        offset_cm=(1 - mix) * first.offset_cm + mix * second.offset_cm,
        crease=first.log_ratio,
        crease_share=rng.uniform(0.8, 1.2),
    )
    return whole.at(share)


def draw_prototype(
    model: FaceModel, rng: np.random.Generator, names: tuple[str, ...]
) -> Expression:
    """A prototype at a random intensity with stray action units, asymmetry, gaze and blinks."""
    name = str(rng.choice(list(names)))
    overall = rng.uniform(0.3, 1.2)
    units = dict.fromkeys(ACTION_UNITS, 0.0)
    for unit, mean in PROTOTYPES[name].items():
        units[unit] = mean * overall * rng.uniform(0.7, 1.25)
    stray = rng.integers(1, 5) if name == "mixed" else rng.integers(0, 3)
    for unit in rng.choice(list(ACTION_UNITS), int(stray), replace=False):
        if unit == "AU27":  # an accidental wide-open mouth would drown the rest
            continue
        units[unit] = max(units[unit], rng.beta(1.2, 2.5) * ACTION_UNITS[unit].maximum)
    if rng.random() < BLINK_SHARE:
        units["AU43"] = max(units["AU43"], rng.uniform(0.3, 1.0))
    for unit in units:
        units[unit] = float(min(units[unit], ACTION_UNITS[unit].maximum * 1.1))
    asymmetry = float(rng.normal(0, 0.12))
    if name == "contempt":
        asymmetry = float(rng.choice([-1, 1]) * rng.uniform(0.4, 0.9))
    weights = shape_weights(model, units, asymmetry)
    if rng.random() < GAZE_SHARE:
        weights += draw_gaze(model, rng)
    return Expression(name, units, weights)


def draw_gaze(model: FaceModel, rng: np.random.Generator) -> NDArray[np.float32]:
    """Activations [E] that turn both eyes a little the same way."""
    weights = np.zeros(len(model.expression_names), np.float32)
    for directions in (("left", "right"), ("up", "down")):
        amount = rng.normal(0, 0.2)
        for shape in GAZE[directions[int(amount < 0)]]:
            weights[model.shape_index(shape)] = min(abs(amount), 0.5)
    return weights
