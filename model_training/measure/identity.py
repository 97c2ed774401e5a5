"""Whether it is still the person: dlib's ResNet, the recogniser that is reported."""

from __future__ import annotations

from pathlib import Path

import dlib
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import Image

FACE_BOX = (1.18, 0.70, 1.68)
"""Half width, height above and below the eyes of dlib's own face box, in inter-oculars. Measured
against its HOG detector on London portraits; the box only starts the landmark search."""


class DlibRecogniser:
    """128-d descriptors; two photographs of one person are usually nearer than 0.6.

    Source: dlib_face_recognition_resnet_model_v1 (King 2017, CC0), placed by dlib's five points
    (eye corners and nose base, CC0), which an open mouth does not move.
    """

    name = "dlib ResNet-29"
    key = "dlib"

    def __init__(self, resnet: Path, five_points: Path) -> None:
        self._resnet = dlib.face_recognition_model_v1(str(resnet))
        self._shape = dlib.shape_predictor(str(five_points))

    def describe(
        self,
        image: Image,
        eyes: NDArray[np.floating],
        points: NDArray[np.floating] | None,
    ) -> NDArray[np.float64]:
        """Descriptor float64 [128] of the face with these eye centres ([2, 2] pixels)."""
        del points
        eyes = np.asarray(eyes, np.float64)
        apart = float(np.linalg.norm(eyes[1] - eyes[0]))
        x, y = eyes.mean(0)
        side, above, below = (fraction * apart for fraction in FACE_BOX)
        box = dlib.rectangle(
            round(float(x - side)), round(float(y - above)), round(float(x + side)),
            round(float(y + below)),
        )  # fmt: skip
        picture = np.ascontiguousarray(image)
        shape = self._shape(picture, box)
        # No jitter: it draws from a generator that is not ours, and runs must repeat exactly.
        return np.asarray(self._resnet.compute_face_descriptor(picture, shape, 0), np.float64)
