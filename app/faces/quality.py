"""Quality components of ISO/IEC 29794-5 that a box, five landmarks and the meter can measure.

Names and the mapping of native measures to quality values (0 to 100) follow the standard's open
reference implementation (OFIQ, BSI, MIT licence). Components that need more than we have (pitch,
illumination, occlusion) are absent. Where we measure in another way than the standard, the note
says how, and the constants below were compared with MediaPipe's landmarks and head pose on 519
photographs (London, FairFace, LFW; openings and the chin on the 297 of them within 15 degrees):

- eye line to chin: within 8 % on nine of ten faces
- MouthClosed, EyesOpen: quality off by less than 1 point (median), 8 (95th percentile)
- HeadSize: quality off by 1.5 points (median), 21 (95th percentile)
- HeadPoseYaw: off by 1.8 degrees (median), 6 (95th percentile)

Pitch was tried in the same way and left out: five points hardly know it (correlation 0.4).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import EYE_MIDPOINT, INTER_OCULAR, crop_matrix, transform_points
from app.faces.detector import Face

_BOX_BELOW_CHIN = 1.04
"""Eye line to the lower edge of the detector's box / eye line to the chin."""
_EYE_WIDTH = 0.425
"""Width of an eye / inter-eye distance."""
_YAW_DEGREES = 88.0
"""Degrees of yaw for a nose tip one inter-eye distance beside the middle of the eyes."""
_CHIN = "The chin is estimated from the lower edge of the detector's box."


class Openings(Protocol):
    """Lip gap / inter-eye distance, and lid distance / eye width, as the meter reads them."""

    @property
    def lip_gap(self) -> float: ...

    @property
    def eye_opening(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Quality:
    """One quality component.

    Attributes:
        native: the measured value, in `unit`.
        unit: of the native value.
        quality: 0 (worst) to 100; None where the standard's mapping does not hold for how we
            measure.
        note: how our measurement differs from the standard's, or "".
    """

    native: float
    unit: str
    quality: int | None
    note: str = ""


def _sigmoid(value: float, middle: float, width: float) -> int:
    return round(100 / (1 + math.exp(-max(-60.0, min(60.0, (value - middle) / width)))))


def roll_degrees(face: Face) -> float:
    """In-plane rotation of the eye line: 0 is level, positive is clockwise in the picture."""
    x, y = face.landmarks[1] - face.landmarks[0]
    return math.degrees(math.atan2(float(y), float(x)))


def yaw_degrees(face: Face) -> float:
    """Estimated turn of the head: positive moves the nose to the right in the upright picture."""
    matrix = crop_matrix(face.landmarks[0], face.landmarks[1], 1)
    nose = transform_points(face.landmarks[2:3], matrix)[0]
    beside = (float(nose[0]) - EYE_MIDPOINT[0]) / INTER_OCULAR
    return max(-90.0, min(90.0, _YAW_DEGREES * beside))


def _rate_turn(degrees: float) -> int:
    return round(100 * max(0.0, math.cos(math.radians(degrees))) ** 2)


def _eyes_to_chin(face: Face) -> float:
    """Pixels from the middle of the eyes to the chin, the standard's measure T."""
    below = face.below_eyes
    if below is None:
        below = face.box[1] + face.box[3] - float(face.landmarks[:2, 1].mean())
    return max(below / _BOX_BELOW_CHIN, 1.0)


def _room(
    point: NDArray[np.float64], direction: NDArray[np.float64], shape: tuple[int, ...]
) -> float:
    """Pixels from a point in a direction to the photograph's edge."""
    steps = []
    for place, step, side in zip(
        point, direction / np.hypot(*direction), shape[1::-1], strict=True
    ):
        if abs(step) > 1e-9:
            steps.append(float(((side if step > 0 else 0) - place) / step))
    return min(steps)


def _unicity(faces: Sequence[Face]) -> float:
    """0 for a single face, nearer to 1 the larger the second one is."""
    areas = sorted((face.box[2] * face.box[3] for face in faces), reverse=True)
    return math.sqrt(areas[1] / areas[0]) if len(areas) > 1 else 0.0


def quality_components(
    face: Face,
    faces: Sequence[Face],
    shape: tuple[int, ...],
    openings: Openings | None = None,
) -> dict[str, Quality]:
    """What can be measured of one face.

    Args:
        face: the face.
        faces: all faces of the photograph, this one among them.
        shape: the photograph's [H, W, ...].
        openings: what the meter read of this face; None without a meter.

    Returns:
        Components by their name in ISO/IEC 29794-5.
    """
    height, width = shape[:2]
    distance = face.eye_distance
    right_eye, left_eye = face.landmarks[:2]
    leftward = _room(right_eye, right_eye - left_eye, shape) / distance
    rightward = _room(left_eye, left_eye - right_eye, shape) / distance
    unicity = _unicity(faces)
    roll, yaw = roll_degrees(face), yaw_degrees(face)
    # Of the picture as it would be turned so that the face stands upright in it.
    tall = height if abs(math.cos(math.radians(roll))) > 0.7 else width
    to_chin = _eyes_to_chin(face)
    # Beyond 60 degrees the nose's place says too little to divide by the cosine.
    frontal = distance / max(0.5, math.cos(math.radians(yaw)))
    components = {
        "SingleFacePresent": Quality(
            unicity, "root of the two largest boxes' area ratio", round(100 * (1 - unicity))
        ),
        "InterEyeDistance": Quality(
            frontal, "px", _sigmoid(frontal, 70, 20), "corrected by the estimated yaw"
        ),
        "HeadSize": Quality(
            to_chin / tall,
            "eye line to chin / picture height",
            2 * (100 - _sigmoid(abs(to_chin / tall - 0.45), 0, 0.05)),
            f"{_CHIN} 0.45 is best.",
        ),
        "HeadPoseYaw": Quality(
            yaw, "degrees", _rate_turn(yaw), "estimated from the nose's place between the eyes"
        ),
        "HeadPoseRoll": Quality(
            roll, "degrees", _rate_turn(roll), "from the line through the eyes"
        ),
        "LeftwardCropOfTheFaceImage": Quality(
            leftward, "inter-eye distances", _sigmoid(leftward, 0.9, 0.1)
        ),
        "RightwardCropOfTheFaceImage": Quality(
            rightward, "inter-eye distances", _sigmoid(rightward, 0.9, 0.1)
        ),
    }
    if openings is not None:
        mouth = max(0.0, openings.lip_gap) * distance / to_chin
        components["MouthClosed"] = Quality(
            mouth, "lip gap / eye line to chin", 100 - _sigmoid(mouth, 0.2, 0.06), _CHIN
        )
        eyes = max(0.0, openings.eye_opening) * _EYE_WIDTH * distance / to_chin
        components["EyesOpen"] = Quality(
            eyes,
            "lid distance / eye line to chin",
            _sigmoid(eyes, 0.02, 0.01),
            f"{_CHIN} Both eyes' mean; the standard takes the smaller opening.",
        )
    return components
