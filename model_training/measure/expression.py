"""Expression, openings and pose, from MediaPipe's FaceLandmarker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import mediapipe as mp
import numpy as np
from mediapipe.tasks import python as tasks
from mediapipe.tasks.python import vision
from numpy.typing import NDArray

from app.faces.alignment import Image
from model_training.meter.labels import geometry, is_expression
from model_training.portraits.landmarks import LEFT_IRIS, RIGHT_IRIS

MAX_SIDE = 1280
"""Larger regions are reduced first: the networks inside see 256 px of the face whatever comes."""
MIN_SIDE = 320
"""Smaller regions are enlarged: the detector inside is unreliable on tiny pictures."""


@dataclass(frozen=True, slots=True)
class Expression:
    """What MediaPipe says about one face.

    Attributes:
        points: float64 [478, 2] pixels of the picture that was given.
        blendshapes: name -> score in [0, 1], all 52.
        score: sum of the expression blendshapes (no gaze, no `_neutral`).
        lip_gap, eye_opening: see `labels.geometry`.
        yaw, pitch, roll: degrees.
        inter_ocular: pixels.
    """

    points: NDArray[np.float64]
    blendshapes: dict[str, float]
    score: float
    lip_gap: float
    eye_opening: float
    yaw: float
    pitch: float
    roll: float
    inter_ocular: float


class ExpressionMeter:
    """One FaceLandmarker, for still pictures; the CPU delegate gives the same numbers each time."""

    def __init__(self, model: Path) -> None:
        self._landmarker = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=tasks.BaseOptions(
                    model_asset_path=str(model), delegate=tasks.BaseOptions.Delegate.CPU
                ),
                output_face_blendshapes=True,
                output_facial_transformation_matrixes=True,
                num_faces=4,
            )
        )

    def close(self) -> None:
        """Free the landmarker. Left to the interpreter's end, its own destructor fails noisily."""
        self._landmarker.close()

    def measure(self, image: Image, eyes: NDArray[np.floating]) -> Expression | None:
        """The face whose eyes are nearest to `eyes` ([2, 2] pixels), or None when none is near."""
        eyes = np.asarray(eyes, np.float64)
        apart = float(np.linalg.norm(eyes[1] - eyes[0]))
        region, corner, scale = _region(image, eyes.mean(0), apart)
        found = self._landmarker.detect(
            mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(region))
        )
        best, best_distance = -1, 0.6 * apart
        height, width = region.shape[:2]
        faces = [
            np.array([(p.x * width, p.y * height) for p in face]) / scale + corner
            for face in found.face_landmarks
        ]
        for k, points in enumerate(faces):
            centre = (points[RIGHT_IRIS] + points[LEFT_IRIS]) / 2
            distance = float(np.linalg.norm(centre - eyes.mean(0)))
            if distance < best_distance:
                best, best_distance = k, distance
        if best < 0:
            return None
        shapes = {c.category_name: float(c.score) for c in found.face_blendshapes[best]}
        yaw, pitch, roll = _angles(np.asarray(found.facial_transformation_matrixes[best]))
        inter_ocular, gap, opening = geometry(faces[best])
        return Expression(
            points=faces[best],
            blendshapes=shapes,
            score=sum(value for name, value in shapes.items() if is_expression(name)),
            lip_gap=float(gap),
            eye_opening=float(opening),
            yaw=yaw,
            pitch=pitch,
            roll=roll,
            inter_ocular=float(inter_ocular),
        )


def _region(
    image: Image, centre: NDArray[np.float64], apart: float
) -> tuple[Image, NDArray[np.float64], float]:
    """A square of six inter-oculars around the face, so that small faces in large pictures count.

    Returns:
        (region, its top left corner in the picture, region pixels per picture pixel)
    """
    half = 3.0 * apart
    height, width = image.shape[:2]
    x0, y0 = (max(0, int(c - half)) for c in centre)
    x1, y1 = min(width, int(centre[0] + half) + 1), min(height, int(centre[1] + half) + 1)
    region = image[y0:y1, x0:x1]
    longest = max(region.shape[:2])
    scale = 1.0
    if longest > MAX_SIDE or longest < MIN_SIDE:
        scale = (MAX_SIDE if longest > MAX_SIDE else MIN_SIDE) / longest
        kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        region = np.asarray(cv2.resize(region, None, fx=scale, fy=scale, interpolation=kind))
    return region, np.array([x0, y0], np.float64), scale


def _angles(matrix: NDArray[np.floating]) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees of a facial transformation matrix [4, 4]."""
    r = matrix[:3, :3]
    yaw = np.degrees(np.arctan2(-r[2, 0], np.hypot(r[0, 0], r[1, 0])))
    pitch = np.degrees(np.arctan2(r[2, 1], r[2, 2]))
    roll = np.degrees(np.arctan2(r[1, 0], r[0, 0]))
    return float(yaw), float(pitch), float(roll)
