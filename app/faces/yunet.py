"""YuNet in ONNX Runtime: the network of `cv2.FaceDetectorYN` at 2.4 times its speed.

Rows are decoded as OpenCV's `face_detect.cpp` (Apache-2.0) decodes them.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.errors import ModelFileError
from app.inference.runtime import RuntimeOptions, cpu_session
from app.inference.threads import InFlight

_STRIDES = (8, 16, 32)
_MULTIPLE = 32  # the network halves its input five times
_OUTPUTS = [f"{name}_{stride}" for name in ("cls", "obj", "bbox", "kps") for stride in _STRIDES]

# The file fixes its input at 640 x 640, though every operation in it takes any multiple of 32.
# As protocol buffers: `dim { dim_value: 640 }` twice, and `dim { dim_param: ... }` in its place.
_FIXED_SIDE = bytes.fromhex("0a03088005")
_FREE_SIDES = (b"\x0a\x03\x12\x01H", b"\x0a\x03\x12\x01W")


class Yunet:
    """Thread-safe `rows`: faces as `cv2.FaceDetectorYN.detect` gives them."""

    def __init__(
        self,
        model: bytes,
        min_score: float,
        max_overlap: float,
        threads: int,
        in_flight: InFlight | None = None,
    ) -> None:
        """Load the network.

        Args:
            model: `face_detection_yunet_2023mar.onnx`.
            min_score: detections below this confidence are dropped.
            max_overlap: of two boxes that overlap more (intersection over union), one is dropped.
            threads: inside one run; 1 runs on the calling thread.
            in_flight: runs take one thread while it is not alone.

        Raises:
            ModelFileError: not that file.
        """
        self._min_score = min_score
        self._max_overlap = max_overlap

        options = RuntimeOptions("cpu", intra_op_threads=threads)
        self._session = cpu_session(any_size(model), "The face detector", options, in_flight)

    def rows(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Detect faces.

        Args:
            image: uint8 RGB [H, W, 3].

        Returns:
            float32 [N, 15], best first: x, y, width, height, five landmarks (x, y), score.
        """
        height, width = (-(-side // _MULTIPLE) * _MULTIPLE for side in image.shape[:2])
        padded = cv2.copyMakeBorder(
            image, 0, height - image.shape[0], 0, width - image.shape[1], cv2.BORDER_CONSTANT
        )
        blob = cv2.dnn.blobFromImage(padded, swapRB=True)  # the network was trained on BGR
        outputs = self._session.run(_OUTPUTS, {"input": blob})
        kinds = [outputs[i : i + len(_STRIDES)] for i in range(0, len(outputs), len(_STRIDES))]
        levels = zip(_STRIDES, *kinds, strict=True)
        found = np.concatenate([self._decode(width // level[0], *level) for level in levels])
        if len(found) < 2:
            return found
        # Whole pixels, as in OpenCV.
        boxes = found[:, :4].astype(np.int32).tolist()
        scores = found[:, 14].tolist()
        kept = cv2.dnn.NMSBoxes(boxes, scores, self._min_score, self._max_overlap)
        return found[np.asarray(kept, np.intp).ravel()]

    def give_back(self) -> None:
        """Give back what runs of all sessions on the CPU have left; the smallest run does it."""
        blob = np.zeros((1, 3, _MULTIPLE, _MULTIPLE), np.float32)
        self._session.give_back(_OUTPUTS, {"input": blob})

    def _decode(
        self,
        columns: int,
        stride: int,
        cls: NDArray[np.float32],
        obj: NDArray[np.float32],
        box: NDArray[np.float32],
        landmarks: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """The rows of one grid, those over `min_score`."""
        scores = np.sqrt(np.clip(cls[0, :, 0], 0, 1) * np.clip(obj[0, :, 0], 0, 1))
        cells = np.flatnonzero(scores >= self._min_score)
        place = np.stack([cells % columns, cells // columns], 1).astype(np.float32)
        offset, size = box[0, cells, :2], np.exp(box[0, cells, 2:])
        corner = (place + offset) - size / 2
        points = landmarks[0, cells].reshape(-1, 5, 2) + place[:, None]
        rows = np.concatenate([corner, size, points.reshape(-1, 10)], 1) * np.float32(stride)
        return np.concatenate([rows, scores[cells, None]], 1)


def any_size(model: bytes) -> bytes:
    """The file with a free height and width.

    Raises:
        ModelFileError: it does not have the one input of 640 x 640.
    """
    parts = model.split(_FIXED_SIDE)
    if len(parts) != 3:
        raise ModelFileError("The face detector cannot be loaded: its input is another.")
    return parts[0] + _FREE_SIDES[0] + parts[1] + _FREE_SIDES[1] + parts[2]
