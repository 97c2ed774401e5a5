"""Where the eyes are: from a landmark table, or found by the detector that serving uses."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import Image
from app.faces.detector import FaceDetector
from model_training.portraits.image_sets import FaceImage
from model_training.portraits.landmarks import LEFT_IRIS, RIGHT_IRIS, LandmarkTable

Eyes = tuple[NDArray[np.float64], NDArray[np.float64]]
"""(x, y) in pixels of the subject's right eye (on the image's left) and of the left one."""


class EyeLocator(Protocol):
    """Finds the eyes of the main face; `name` tells caches which locator made them."""

    @property
    def name(self) -> str:
        """A short text that changes when the results may change."""
        ...

    def eyes(self, image: FaceImage, pixels: Image) -> Eyes | None:
        """Eye centres in `pixels` (uint8 RGB [H, W, 3]); None if there is no face."""
        ...


class LandmarkLocator:
    """Iris centres from a landmark table, by the images' keys."""

    def __init__(self, table: LandmarkTable, name: str = "landmarks") -> None:
        self.name = name
        self._eyes = {
            path: (points[RIGHT_IRIS].astype(np.float64), points[LEFT_IRIS].astype(np.float64))
            for path, points in zip(table.paths, table.points, strict=True)
        }

    def eyes(self, image: FaceImage, pixels: Image) -> Eyes | None:
        """Eye centres of an image in the table; None for one that is not."""
        del pixels
        return self._eyes.get(image.key)


class DetectorLocator:
    """Eye centres of the largest face that YuNet finds."""

    name = "yunet"

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector

    def eyes(self, image: FaceImage, pixels: Image) -> Eyes | None:
        """Eye centres of the largest face; None if none is found."""
        del image
        faces = self._detector.detect(pixels)
        if not faces:
            return None
        largest = max(faces, key=lambda face: face.box[2] * face.box[3])
        return np.asarray(largest.landmarks[0]), np.asarray(largest.landmarks[1])


class FirstOf:
    """Asks locators in turn until one finds a face."""

    def __init__(self, *locators: EyeLocator) -> None:
        self._locators = locators

    @property
    def name(self) -> str:
        """The names joined by `+`."""
        return "+".join(locator.name for locator in self._locators)

    def eyes(self, image: FaceImage, pixels: Image) -> Eyes | None:
        """The first answer that is not None."""
        answers = (locator.eyes(image, pixels) for locator in self._locators)
        return next((answer for answer in answers if answer is not None), None)


def make_locator(landmarks: Path | None) -> EyeLocator:
    """The landmark table where it has an image, YuNet for the rest; YuNet alone without one."""
    detector = DetectorLocator(FaceDetector())
    if landmarks is None:
        return detector
    table = LandmarkTable.load(landmarks)
    return FirstOf(LandmarkLocator(table, f"landmarks-{landmarks.stat().st_size}"), detector)
