"""What the instruments say about a picture; importable without the instruments themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model_training.evaluation.rows import FaceNumbers
from model_training.evaluation.views import Seen


@dataclass(frozen=True, slots=True)
class Reading:
    """What the instruments say about one picture.

    Attributes:
        face: None when no face was found near the expected eyes.
        points: float64 [478, 2] landmarks in the picture's pixels, or None.
        blendshapes: name -> [0, 1].
        pose: yaw, pitch, roll in degrees.
        inter_ocular: pixels.
        descriptors: recogniser key -> vector.
    """

    face: FaceNumbers | None
    points: NDArray[np.float64] | None
    blendshapes: dict[str, float]
    pose: tuple[float, float, float]
    inter_ocular: float
    descriptors: dict[str, NDArray[np.float64]]


class Reader(Protocol):
    """Something that measures pictures: `instruments.Instruments`.

    Attributes:
        version: changes whenever its numbers may have changed.
    """

    version: str

    def read(self, seen: Seen) -> Reading:
        """Measure one picture; the same picture gives the same numbers."""
