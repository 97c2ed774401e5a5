"""The landmark table: where 478 face points lie in every training image, and how expressive it is.

One `.npz` (made by MediaPipe FaceLandmarker, Apache-2.0) describes any number of image folders:
`paths` (relative to the data folder), `points_x16` int16 [N, 478, 2] (pixels x 16), `blendshapes`
uint8 [N, 52] (scores x 255), `blendshape_names`, `pose_deg` float16 [N, 3] (yaw, pitch, roll).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RIGHT_IRIS, LEFT_IRIS = 468, 473
"""MediaPipe iris centres; the right eye is the subject's, on the image's left."""
INNER_LIPS = (13, 14)

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class LandmarkTable:
    """Landmarks and blendshapes of N images.

    Attributes:
        paths: N paths relative to the data folder, `/`-separated.
        points: float32 [N, 478, 2], pixels.
        blendshapes: float32 [N, 52] in [0, 1].
        names: the 52 blendshape names.
        pose: float32 [N, 3]: yaw, pitch, roll in degrees.
    """

    paths: tuple[str, ...]
    points: FloatArray
    blendshapes: FloatArray
    names: tuple[str, ...]
    pose: FloatArray

    @classmethod
    def load(cls, file: Path) -> LandmarkTable:
        """Read the table; `KeyError` names an array that the file lacks."""
        with np.load(file) as data:
            return cls(
                paths=tuple(str(p) for p in data["paths"]),
                points=data["points_x16"].astype(np.float32) / 16.0,
                blendshapes=data["blendshapes"].astype(np.float32) / 255.0,
                names=tuple(str(n) for n in data["blendshape_names"]),
                pose=data["pose_deg"].astype(np.float32),
            )

    def score(self, name: str) -> FloatArray:
        """One blendshape over all images, [N]."""
        return self.blendshapes[:, self.names.index(name)]

    def expressiveness(self) -> FloatArray:
        """Sum of blendshapes without gaze and `_neutral`, [N] (the evaluation's definition)."""
        kept = [i for i, n in enumerate(self.names) if n != "_neutral" and "eyeLook" not in n]
        return np.asarray(self.blendshapes[:, kept].sum(1))

    def inter_ocular(self) -> FloatArray:
        """Distance between the iris centres in pixels, [N]."""
        return np.asarray(
            np.linalg.norm(self.points[:, LEFT_IRIS] - self.points[:, RIGHT_IRIS], axis=1)
        )

    def lip_gap(self) -> FloatArray:
        """Distance between the inner lips over the inter-ocular distance, [N]."""
        upper, lower = INNER_LIPS
        gap = np.linalg.norm(self.points[:, upper] - self.points[:, lower], axis=1)
        return np.asarray(gap / self.inter_ocular())

    def near_neutral(self) -> NDArray[np.bool_]:
        """Faces calm enough to serve as targets: lips closed, no smile, little else, facing us."""
        smile = np.maximum(self.score("mouthSmileLeft"), self.score("mouthSmileRight"))
        named_smiling = np.array(["/smiling/" in p for p in self.paths])
        calm: NDArray[np.bool_] = (
            (self.lip_gap() < 0.03)
            & (smile < 0.25)
            & (self.score("jawOpen") < 0.06)
            & (self.expressiveness() < 2.8)
            & (np.abs(self.pose[:, 0]) < 20)
            & (np.abs(self.pose[:, 1]) < 20)
            & ~named_smiling
        )
        return calm

    def in_sets(self, sets: tuple[str, ...]) -> NDArray[np.bool_]:
        """Images whose path begins with one of these folders."""
        return np.array([p.split("/")[0] in sets for p in self.paths])
