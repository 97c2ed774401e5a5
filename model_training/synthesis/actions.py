"""FACS action units as shapes of the face model, and prototype expressions made of them.

Ekman & Friesen, Facial Action Coding System; prototypes after the EMFACS tables. Intensities are
activations, 0 = rest, 1 = the shape's full extent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_training.synthesis.face_model import FaceModel


@dataclass(frozen=True, slots=True)
class ActionUnit:
    """Shapes (without side suffix) an action unit drives, and its greatest plausible intensity."""

    shapes: dict[str, float]
    maximum: float


ACTION_UNITS: dict[str, ActionUnit] = {
    "AU1": ActionUnit({"browInnerUp": 1.0}, 1.0),
    "AU2": ActionUnit({"browOuterUp": 1.0}, 0.9),
    "AU4": ActionUnit({"browDown": 1.0}, 1.0),
    "AU5": ActionUnit({"eyeWide": 1.0}, 0.9),
    "AU6": ActionUnit({"cheekSquint": 1.0}, 0.8),
    "AU7": ActionUnit({"eyeSquint": 1.0}, 0.7),
    "AU9": ActionUnit({"noseSneer": 1.0}, 0.8),
    "AU10": ActionUnit({"mouthUpperUp": 1.0}, 0.6),
    "AU12": ActionUnit({"mouthSmile": 1.0}, 1.0),
    "AU14": ActionUnit({"mouthDimple": 1.0}, 0.6),
    "AU15": ActionUnit({"mouthFrown": 1.0}, 0.9),
    "AU16": ActionUnit({"mouthLowerDown": 1.0}, 0.5),
    "AU17": ActionUnit({"mouthShrugLower": 1.0}, 0.6),
    "AU18": ActionUnit({"mouthPucker": 1.0}, 0.8),
    "AU20": ActionUnit({"mouthStretch": 1.0}, 0.7),
    "AU22": ActionUnit({"mouthFunnel": 1.0}, 0.6),
    "AU24": ActionUnit({"mouthPress": 1.0}, 0.7),
    "AU26": ActionUnit({"jawOpen": 1.0}, 0.6),
    "AU27": ActionUnit({"jawOpen": 1.0}, 1.0),
    "AU28": ActionUnit({"mouthRollLower": 0.7, "mouthRollUpper": 0.7}, 0.8),
    "AU33": ActionUnit({"cheekPuff": 1.0}, 0.6),
    "AU43": ActionUnit({"eyeBlink": 1.0}, 1.0),
    "AU30L": ActionUnit({"jawLeft": 1.0}, 0.5),
    "AU30R": ActionUnit({"jawRight": 1.0}, 0.5),
}

# AU26 (jaw drop) and AU27 (mouth stretch) are one shape: the deeper drop is coded as AU27.
PROTOTYPES: dict[str, dict[str, float]] = {
    "happy_closed": {"AU12": 0.7, "AU6": 0.6, "AU7": 0.2},
    "happy_open": {"AU12": 0.9, "AU6": 0.7, "AU7": 0.3, "AU10": 0.4, "AU26": 0.15, "AU16": 0.25},
    "laugh": {"AU12": 1.0, "AU6": 0.9, "AU7": 0.6, "AU10": 0.5, "AU26": 0.45, "AU16": 0.4},
    "surprise": {"AU1": 0.9, "AU2": 0.8, "AU5": 0.7, "AU26": 0.5},
    "shout": {"AU27": 0.8, "AU4": 0.3, "AU7": 0.3, "AU10": 0.3, "AU16": 0.4},
    "anger": {"AU4": 0.9, "AU7": 0.6, "AU24": 0.6, "AU17": 0.2},
    "anger_open": {"AU4": 1.0, "AU5": 0.4, "AU9": 0.4, "AU10": 0.4, "AU16": 0.5, "AU26": 0.25},
    "sad": {"AU1": 0.9, "AU4": 0.3, "AU15": 0.8, "AU17": 0.4},
    "disgust": {"AU9": 0.9, "AU10": 0.5, "AU4": 0.4, "AU7": 0.4, "AU15": 0.3},
    "fear": {"AU1": 0.9, "AU2": 0.4, "AU4": 0.3, "AU5": 0.8, "AU20": 0.6, "AU26": 0.2},
    "contempt": {"AU12": 0.5, "AU14": 0.6},
    "eyes_closing": {"AU43": 1.0},
    "pucker": {"AU18": 0.9},
    "speech": {"AU26": 0.35, "AU22": 0.3},
    "mixed": {},
}
SMILES = ("happy_closed", "happy_open", "laugh")

GAZE = {
    "up": ("eyeLookUp_L", "eyeLookUp_R"),
    "down": ("eyeLookDown_L", "eyeLookDown_R"),
    "left": ("eyeLookOut_L", "eyeLookIn_R"),
    "right": ("eyeLookIn_L", "eyeLookOut_R"),
}
"""Shapes that turn both eyes; left and right are the subject's."""


def shape_weights(
    model: FaceModel, units: dict[str, float], asymmetry: float = 0.0
) -> NDArray[np.float32]:
    """Shape activations [E] of action-unit intensities.

    Args:
        model: whose shapes to drive.
        units: action unit -> intensity.
        asymmetry: > 0 strengthens the subject's left side and weakens the right by this share.
    """
    left, right = np.clip([1 + asymmetry, 1 - asymmetry], 0, 1.3)
    side = {"_L": left, "_R": right}
    weights = np.zeros(len(model.expression_names), np.float32)
    for unit, intensity in units.items():
        for shape, share in ACTION_UNITS[unit].shapes.items():
            for index, name in enumerate(model.expression_names):
                if name == shape:
                    weights[index] += intensity * share
                elif name[:-2] == shape and name[-2:] in side:
                    weights[index] += intensity * share * side[name[-2:]]
    return weights


def measured_units(model: FaceModel, weights: NDArray[np.floating]) -> dict[str, float]:
    """Action-unit intensities that shape activations [E] amount to (mean of both sides)."""
    by_name = dict(zip(model.expression_names, np.asarray(weights, float), strict=True))
    found = {}
    for unit, action in ACTION_UNITS.items():
        if unit == "AU27":
            continue
        values = []
        for shape in action.shapes:
            sides = [by_name[n] for n in (shape, f"{shape}_L", f"{shape}_R") if n in by_name]
            values.append(float(np.mean(sides)) if sides else 0.0)
        found[unit] = float(np.mean(values))
    jaw = found["AU26"]
    found["AU27"] = jaw if jaw > ACTION_UNITS["AU26"].maximum else 0.0
    found["AU26"] = 0.0 if found["AU27"] else jaw
    return {unit: found[unit] for unit in ACTION_UNITS}
