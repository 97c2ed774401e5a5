"""Expressions captured from a person photographed both neutral and expressive.

The neutral photograph fixes the identity, so the expressive one tells the expression alone: shape
activations, what the shapes cannot explain (a displacement field on the skin), and the ratio image
of the two unwrapped faces: every crease, bulge and dimple that the expression made (Liu, Shan &
Zhang, Expressive expression mapping with ratio images, SIGGRAPH 2001).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model_training.synthesis.atlas import Atlas, unwrap
from model_training.synthesis.face_model import FaceModel
from model_training.synthesis.fitting import fit
from model_training.synthesis.lighting import LUMA, to_linear
from model_training.synthesis.photos import Portrait
from model_training.synthesis.subject import Subject, prepare

Floats = NDArray[np.float32]

PRIOR = 0.2
AMBIGUOUS = (
    "mouthFunnel", "mouthPucker", "mouthRollLower", "mouthPress", "mouthShrug", "mouthClose",
    "mouthLeft", "mouthRight", "jawForward", "jawLeft", "jawRight", "cheekPuff", "cheekRaiser",
    "browInner", "browOuter", "eyeWide",
)  # fmt: skip
"""Shapes a smile does not need: left in, they explain lips and cheeks wrongly from the front."""
DEEPEST, BRIGHTEST = -1.3, 0.7
"""Bounds of a ratio image in octaves."""
GLOBAL_TEXELS = 60.0
"""Brightness changes wider than this (3 cm) are light and exposure, not folds."""


@dataclass(frozen=True, slots=True)
class Capture:
    """One captured expression.

    Attributes:
        weights: float32 [E], activations that lead from neutral to it.
        offset_cm: float32 [V, 2], further displacement in the face's plane (x, y up).
        log_ratio: float32 [TEXELS, TEXELS], octaves of light the skin gained or lost.
    """

    weights: Floats
    offset_cm: Floats
    log_ratio: Floats


def capture(model: FaceModel, atlas: Atlas, neutral: Portrait, expressive: Portrait) -> Capture:
    """Compare two photographs of one person, cut to the same working size."""
    identity = fit(model, neutral.landmarks).identity
    subjects = []
    for face in (neutral, expressive):
        fitted = fit(model, face.landmarks, identity, PRIOR, ignore=AMBIGUOUS)
        subjects.append(prepare(model, face.image, face.landmarks, fitted))
    before, after = subjects
    offset = _offset_cm(after) - _offset_cm(before)
    return Capture(
        weights=after.fit.expression - before.fit.expression,
        offset_cm=offset.astype(np.float32),
        log_ratio=_log_ratio(model, atlas, before, after),
    )


def _offset_cm(subject: Subject) -> Floats:
    """A subject's landmark correction in centimetres of the face's plane, [V, 2]."""
    pixels = subject.offset * np.array([1, -1], np.float32)
    return pixels @ subject.pose.rotation[:2, :2] / np.float32(subject.scale)


def offset_pixels(subject: Subject, offset_cm: Floats, share: float) -> Floats:
    """The inverse: a captured displacement on another face, in its pixels (y down), [V, 2]."""
    pixels = offset_cm @ subject.pose.rotation[:2, :2].T * np.float32(subject.scale * share)
    return pixels * np.array([1, -1], np.float32)


def _log_ratio(model: FaceModel, atlas: Atlas, before: Subject, after: Subject) -> Floats:
    """Ratio image in octaves, without global light, zero where it cannot be trusted."""
    logs, trust = [], atlas.usable.copy()
    for subject in (before, after):
        luminance = np.asarray(
            cv2.GaussianBlur(to_linear(subject.image) @ LUMA, (0, 0), 0.7), np.float32
        )
        texture, seen = unwrap(model, atlas, subject, luminance)
        logs.append(np.log2(np.maximum(texture, 0.004)))
        trust *= seen
    change = (_aligned(logs[1], logs[0]) - logs[0]).astype(np.float32)
    weight = cv2.GaussianBlur(trust, (0, 0), GLOBAL_TEXELS)
    wide = cv2.GaussianBlur(change * trust, (0, 0), GLOBAL_TEXELS) / np.maximum(weight, 1e-3)
    local = cv2.GaussianBlur(np.clip(change - wide, DEEPEST, BRIGHTEST), (0, 0), 0.8)
    return (local * trust).astype(np.float32)


def _aligned(moving: Floats, fixed: Floats) -> Floats:
    """Bring moles, brows and stubble into register, so that their edges cancel in the ratio."""

    def picture(log: Floats) -> NDArray[np.uint8]:
        detail = log - cv2.GaussianBlur(log, (0, 0), 12)
        return np.asarray(np.clip(detail * 90 + 128, 0, 255), np.uint8)

    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    field = flow.calc(picture(fixed), picture(moving), None)  # type: ignore[call-overload]
    # Smooth: it may shift skin, it must not explain a crease away.
    field = np.clip(cv2.GaussianBlur(field, (0, 0), 8), -6, 6)
    height, width = fixed.shape
    grid_x, grid_y = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    moved = cv2.remap(moving, grid_x + field[..., 0], grid_y + field[..., 1], cv2.INTER_LINEAR)
    return np.asarray(moved, np.float32)
