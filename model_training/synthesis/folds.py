"""Folds painted along landmark lines: the fallback where no photograph's folds fit."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model_training.synthesis.face_model import FaceModel
from model_training.synthesis.warping import Deformed

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Fold:
    """A family of folds.

    Attributes:
        drivers: shapes whose mean added activation deepens it.
        lines: MediaPipe landmarks each line runs through.
        gain: depth relative to the other families.
    """

    drivers: tuple[str, ...]
    lines: tuple[tuple[int, ...], ...]
    gain: float


CHEEK_R, CHEEK_L = ("cheekSquint_R", "mouthSmile_R"), ("cheekSquint_L", "mouthSmile_L")
FOLDS = {
    "nasolabial_right": Fold(
        ("mouthSmile_R", "mouthUpperUp_R", "noseSneer_R"), ((129, 203, 206, 216, 212),), 1.2
    ),
    "nasolabial_left": Fold(
        ("mouthSmile_L", "mouthUpperUp_L", "noseSneer_L"), ((358, 423, 426, 436, 432),), 1.2
    ),
    "crows_feet_right": Fold(
        CHEEK_R, ((130, 226, 35, 143), (130, 226, 31, 111), (130, 113, 124, 156)), 0.7
    ),
    "crows_feet_left": Fold(
        CHEEK_L, ((359, 446, 265, 372), (359, 446, 261, 340), (359, 342, 353, 383)), 0.7
    ),
    "under_eye_right": Fold(
        ("cheekSquint_R", "eyeSquint_R", "mouthSmile_R"), ((112, 232, 231, 230, 229, 228),), 0.6
    ),
    "under_eye_left": Fold(
        ("cheekSquint_L", "eyeSquint_L", "mouthSmile_L"), ((341, 452, 451, 450, 449, 448),), 0.6
    ),
    "nose": Fold(("noseSneer_L", "noseSneer_R"), ((193, 168, 417), (122, 6, 351)), 0.7),
}
FOREHEAD_DRIVERS = ("browInnerUp_L", "browOuterUp_L", "browOuterUp_R")
FOREHEAD_LOW = (104, 69, 108, 151, 337, 299, 333)
FOREHEAD_HIGH = (103, 67, 109, 10, 338, 297, 332)
FROWN_DRIVERS = ("browDown_L", "browDown_R")
FROWN_FROM_TO = ((107, 9, 108), (336, 9, 337))
FOREHEAD_GAIN, FROWN_GAIN = 0.8, 0.9
FAINTEST = 0.05
GROOVE, RIDGE, HOLLOW = -0.34, 0.14, -0.10
"""Shading of the line itself, of the bulge below it and of its wide surroundings."""


def painted_folds(
    model: FaceModel,
    deformed: Deformed,
    added: NDArray[np.floating],
    scale: float,
    strength: float,
    rng: np.random.Generator,
    smile_share: float = 1.0,
) -> Floats:
    """Shading factor [H, W] of the folds that added activations [E] make.

    Args:
        model: the face model.
        deformed: the mesh in its expression; folds follow it.
        added: activations on top of the resting face, [E].
        scale: pixels per centimetre.
        strength: overall depth, 1 = that of a middle-aged face.
        rng: for irregularities.
        smile_share: share of the folds of cheeks and eyes to paint.
    """
    points = deformed.screen[model.mediapipe_vertices, :2]
    total = np.zeros(deformed.skin.shape, np.float32)
    for depth, line in _lines(model, points, added, strength, rng, smile_share):
        wobbly = (line + rng.normal(0, 0.05 * scale, line.shape)).astype(np.float32)
        total += depth * _profile(wobbly, deformed.skin.shape, scale)
    return np.clip(1 + total, 0.5, 1.25).astype(np.float32)


def _lines(
    model: FaceModel,
    points: Floats,
    added: NDArray[np.floating],
    strength: float,
    rng: np.random.Generator,
    smile_share: float,
) -> list[tuple[float, Floats]]:
    """Every fold deep enough to see: its depth and its line [n, 2] in pixels."""
    found: list[tuple[float, Floats]] = []

    def add(drivers: tuple[str, ...], gain: float, lines: list[Floats]) -> None:
        mean = float(np.mean([added[model.shape_index(name)] for name in drivers]))
        depth = strength * gain * mean * rng.uniform(0.5, 1.2)
        if depth >= FAINTEST:
            found.extend((depth, line) for line in lines)

    for name, fold in FOLDS.items():
        share = 1.0 if name == "nose" else smile_share
        add(fold.drivers, fold.gain * share, [points[list(line)] for line in fold.lines])
    low, high = points[list(FOREHEAD_LOW)], points[list(FOREHEAD_HIGH)]
    heights = np.linspace(-0.15, 0.75, int(rng.integers(2, 5)))
    add(FOREHEAD_DRIVERS, FOREHEAD_GAIN, [low + (high - low) * h for h in heights])
    frown = []
    for brow, middle, above in FROWN_FROM_TO:
        start = points[brow] * 0.75 + points[middle] * 0.25
        frown.append(np.stack([start, points[brow] * 0.35 + points[above] * 0.65]))
    add(FROWN_DRIVERS, FROWN_GAIN, frown)
    return found


def _profile(line: Floats, shape: tuple[int, ...], scale: float) -> Floats:
    """Cross-section of one fold drawn along a line: a groove, a ridge below it, a wide hollow."""
    along = np.linspace(0, 1, 24)
    at = np.linspace(0, 1, len(line))
    dense = np.stack([np.interp(along, at, line[:, 0]), np.interp(along, at, line[:, 1])], axis=1)
    reach = int(np.ceil(scale * 1.2))
    x0, y0 = np.floor(dense.min(0)).astype(int) - reach
    x1, y1 = np.ceil(dense.max(0)).astype(int) + reach
    x0, y0, x1, y1 = max(0, x0), max(0, y0), min(shape[1], x1), min(shape[0], y1)
    out = np.zeros(shape, np.float32)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return out
    drawn = np.zeros((y1 - y0, x1 - x0), np.float32)
    thick = max(1, round(scale * 0.06))
    fixed = np.round((dense - [x0, y0]) * 8).astype(np.int32)
    cv2.polylines(drawn, [fixed], False, 1.0, thick, cv2.LINE_8, 3)
    below = np.roll(drawn, round(scale * 0.13), axis=0)
    for picture, sigma, gain in (
        (drawn, max(0.6, scale * 0.07), GROOVE),
        (below, max(0.8, scale * 0.12), RIDGE),
        (drawn, scale * 0.3, HOLLOW),
    ):
        soft = cv2.GaussianBlur(picture, (0, 0), sigma)
        out[y0:y1, x0:x1] += gain * soft / max(float(soft.max()), 1e-3)
    return out
