"""MediaPipe's 478 face points: a name for each set of them, and the table of where they lie.

One `.npz` (made by MediaPipe FaceLandmarker, Apache-2.0) describes any number of image folders:
`paths` (relative to the data folder), `points_x16` int16 [N, 478, 2] (pixels x 16), `blendshapes`
uint8 [N, 52] (scores x 255), `blendshape_names`, `pose_deg` float16 [N, 3] (yaw, pitch, roll).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MESH = 468
"""Points of the face; the irises' follow."""
RIGHT_IRIS, LEFT_IRIS = 468, 473
"""MediaPipe iris centres; the right eye is the subject's, on the image's left."""
INNER_LIPS = (13, 14)
MOUTH_MIDDLE = (0, 13, 14, 17)
"""Middle of the lips from above: outer and inner edge of the upper one, then of the lower one."""

# fmt: off
IBUG68_IN_MEDIAPIPE = (
    127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 168, 197, 5, 4, 98, 97, 2, 326, 327,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
)
OUTLINE = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)
LIPS = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185,
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191,
    76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306, 408, 304, 303, 302, 11, 72, 73, 74, 184,
    62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292, 407, 272, 271, 268, 12, 38, 41, 42, 183,
)
INNER_LIP_TOP = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LIP_BOTTOM = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
RIGHT_EYE = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
LEFT_EYE = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
# Eye corners, nose bridge and temples: expressions hardly move them.
STABLE = (33, 133, 362, 263, 168, 6, 197, 195, 127, 356, 234, 454, 21, 251)
LIPS_OUTER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181,
              91, 146)
RIGHT_EYE_WIDE = (130, 247, 30, 29, 27, 28, 56, 190, 243, 112, 26, 22, 23, 24, 110, 25)
LEFT_EYE_WIDE = (359, 467, 260, 259, 257, 258, 286, 414, 463, 341, 256, 252, 253, 254, 339, 255)
# Below the brows: cheeks, nose, mouth and chin, where smiles fold the skin.
LOWER_FACE = (127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365,
              397, 288, 361, 323, 454, 356, 276, 283, 282, 295, 285, 8, 55, 65, 52, 53, 46)
NOSTRILS = ((98, 97, 99, 60, 75), (327, 326, 328, 290, 305))
# fmt: on

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
