"""All instruments on one picture, remembered by the picture's own bytes."""

from __future__ import annotations

from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from model_training.evaluation.cache import MEASURES, Cache, digest
from model_training.evaluation.cases import Image
from model_training.evaluation.readings import Reading
from model_training.evaluation.rows import FaceNumbers
from model_training.evaluation.views import Seen
from model_training.measure.assets import (
    DLIB_FIVE_POINTS,
    DLIB_RESNET,
    FACE_LANDMARKER,
    SFACE,
)
from model_training.measure.expression import ExpressionMeter
from model_training.measure.identity import DlibRecogniser, SFaceRecogniser
from model_training.portraits.landmarks import LEFT_IRIS, RIGHT_IRIS


class Recogniser(Protocol):
    """Turns a face into a vector; near vectors are one person."""

    key: str

    def describe(
        self,
        image: Image,
        eyes: NDArray[np.floating],
        points: NDArray[np.floating] | None,
    ) -> NDArray[np.float64]:
        """Descriptor of the face with these eyes [2, 2] and, if known, landmarks [478, 2]."""


class Instruments:
    """MediaPipe and the recognisers, loaded once; a context manager, because MediaPipe is one."""

    def __init__(self, cache: Cache, sface: bool = True) -> None:
        """Args: sface: with the second, held-out recogniser (see `measure.sface`)."""
        self._cache = cache
        self._meter = ExpressionMeter(FACE_LANDMARKER.path())
        self.recognisers: list[Recogniser] = [
            DlibRecogniser(DLIB_RESNET.path(), DLIB_FIVE_POINTS.path())
        ]
        if sface:
            self.recognisers.append(SFaceRecogniser(SFACE.path()))
        keys = [recogniser.key for recogniser in self.recognisers]
        self.version = "-".join([MEASURES, FACE_LANDMARKER.sha256[:8], *keys])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._meter.close()

    def read(self, seen: Seen) -> Reading:
        """Measure a picture, or recall what was measured on the very same one."""
        key = digest("reading", self.version, seen.image, np.round(seen.eyes, 3))
        document = self._cache.load("readings", key)
        if document is None:
            document = self._measure(seen)
            self._cache.save("readings", key, document)
        return Reading(
            face=FaceNumbers(**document["face"]) if document["face"] else None,
            points=np.array(document["points"]) if document["points"] else None,
            blendshapes=document["blendshapes"],
            pose=tuple(document["pose"]),
            inter_ocular=document["inter_ocular"],
            descriptors={k: np.array(v) for k, v in document["descriptors"].items()},
        )

    def _measure(self, seen: Seen) -> dict[str, Any]:
        found = self._meter.measure(seen.image, seen.eyes)
        eyes = seen.eyes if found is None else found.points[[RIGHT_IRIS, LEFT_IRIS]]
        points = None if found is None else found.points
        descriptors = {
            r.key: [round(float(v), 6) for v in r.describe(seen.image, eyes, points)]
            for r in self.recognisers
        }
        if found is None:
            apart = float(np.linalg.norm(seen.eyes[1] - seen.eyes[0]))
            empty: dict[str, Any] = {
                "face": None,
                "points": None,
                "blendshapes": {},
                "pose": [0.0, 0.0, 0.0],
            }
            return {**empty, "inter_ocular": apart, "descriptors": descriptors}
        numbers = (found.score, found.lip_gap, found.eye_opening)
        return {
            "face": dict(
                zip(
                    ("score", "lip_gap", "eye_opening"),
                    (round(v, 6) for v in numbers),
                    strict=True,
                )
            ),
            "points": np.round(found.points, 3).tolist(),
            "blendshapes": {k: round(v, 6) for k, v in found.blendshapes.items()},
            "pose": [round(v, 3) for v in (found.yaw, found.pitch, found.roll)],
            "inter_ocular": round(found.inter_ocular, 4),
            "descriptors": descriptors,
        }
