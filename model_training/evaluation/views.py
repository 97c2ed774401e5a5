"""How a system's pictures are looked at: whole photographs, or grey crops like the paper's.

Input, output and truth of one system always go through the same view, so that a small grey crop
is compared with small grey crops and no system gains or loses by its picture format.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

import app.faces
from app.faces.alignment import crop_matrix, cut, transform_points
from app.faces.detector import FaceDetector
from model_training.evaluation.cache import Cache, digest
from model_training.evaluation.cases import Image


class NoFaceError(ValueError):
    """The detector finds no face in a photograph that is to be evaluated."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture as the instruments get it.

    Attributes:
        image: uint8 RGB [H, W, 3].
        eyes: float64 [2, 2], right and left eye in its pixels.
    """

    image: Image
    eyes: NDArray[np.float64]


class View(Protocol):
    """Turns photographs into what is measured."""

    @property
    def name(self) -> str:
        """Part of cache keys."""

    def see(self, photo: Image, eyes: NDArray[np.float64]) -> Seen:
        """The photograph through this view; `eyes` [2, 2] in its pixels."""


class PhotoView:
    """The photograph itself."""

    name = "photo"

    def see(self, photo: Image, eyes: NDArray[np.float64]) -> Seen:
        """The photograph and the eyes as they are."""
        return Seen(photo, eyes)


class CropView:
    """The aligned crop, optionally grey: the paper's 112 px grey pictures."""

    def __init__(self, size: int, grey: bool) -> None:
        self.size = size
        self.grey = grey
        self.name = f"crop{size}{'grey' if grey else ''}"

    def see(self, photo: Image, eyes: NDArray[np.float64]) -> Seen:
        """The crop of the contract, with the eyes where the contract puts them."""
        matrix = crop_matrix(eyes[0], eyes[1], self.size)
        crop = cut(photo, matrix, self.size).image
        if self.grey:
            crop = np.asarray(
                cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8
            )
        return Seen(crop, transform_points(eyes, matrix))


class EyeFinder:
    """The service's detector, remembering its answers by the picture's bytes.

    Attributes:
        version: changes with any code of `app.faces`, so that no cached row outlives it.
    """

    def __init__(self, detector: FaceDetector, cache: Cache) -> None:
        self._detector = detector
        self._cache = cache
        folder = Path(app.faces.__file__).parent
        self.version = digest(*(path.read_bytes() for path in sorted(folder.glob("*.py"))))

    def find(self, photo: Image, name: str) -> NDArray[np.float64]:
        """Right and left eye of the largest face, float64 [2, 2] pixels.

        Raises:
            NoFaceError: there is none.
        """
        key = digest("eyes", self.version, photo)
        known = self._cache.load("eyes", key)
        if known is None:
            faces = self._detector.detect(photo)
            # The detector gives the largest face first.
            known = np.round(faces[0].landmarks[:2], 4).tolist() if faces else []
            self._cache.save("eyes", key, known)
        if not known:
            raise NoFaceError(f"no face found in {name}")
        return np.array(known)
