"""Quality components of ISO/IEC 29794-5 that five landmarks and a box can really measure.

Names and the mapping of native measures to quality values (0 to 100) follow the standard's open
reference implementation (OFIQ, BSI, MIT licence). Components that need more than we have (yaw and
pitch, illumination, occlusion, the distance from the eyes to the chin) are absent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.faces.detector import Face


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


def _unicity(faces: Sequence[Face]) -> float:
    """0 for a single face, nearer to 1 the larger the second one is."""
    areas = sorted((face.box[2] * face.box[3] for face in faces), reverse=True)
    return math.sqrt(areas[1] / areas[0]) if len(areas) > 1 else 0.0


def quality_components(
    face: Face, faces: Sequence[Face], shape: tuple[int, ...]
) -> dict[str, Quality]:
    """What can be measured of one face.

    Args:
        face: the face.
        faces: all faces of the photograph, this one among them.
        shape: the photograph's [H, W, ...].

    Returns:
        Components by their name in ISO/IEC 29794-5.
    """
    height, width = shape[:2]
    distance = face.eye_distance
    right_eye, left_eye = face.landmarks[:2]
    leftward = float(right_eye[0]) / distance
    rightward = (width - float(left_eye[0])) / distance
    unicity = _unicity(faces)
    roll = roll_degrees(face)
    chin = face.box[1] + face.box[3]
    eyes_to_chin = (chin - float(right_eye[1] + left_eye[1]) / 2) / height
    return {
        "SingleFacePresent": Quality(
            unicity, "root of the two largest boxes' area ratio", round(100 * (1 - unicity))
        ),
        "InterEyeDistance": Quality(
            distance,
            "px",
            _sigmoid(distance, 70, 20),
            "not corrected for yaw, so too short on turned heads",
        ),
        "HeadSize": Quality(
            eyes_to_chin,
            "eye line to chin / picture height",
            None,
            "the chin is taken to be the lower edge of the detector's box",
        ),
        "HeadPoseRoll": Quality(
            roll,
            "degrees",
            round(100 * math.cos(math.radians(roll)) ** 2),
            "from the line through the eyes",
        ),
        "LeftwardCropOfTheFaceImage": Quality(
            leftward, "inter-eye distances", _sigmoid(leftward, 0.9, 0.1)
        ),
        "RightwardCropOfTheFaceImage": Quality(
            rightward, "inter-eye distances", _sigmoid(rightward, 0.9, 0.1)
        ),
    }
