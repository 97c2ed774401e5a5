"""Where every point of the neutral face lies in the expressive picture: the renderer knows.

The neutral mesh is rasterised in the crop with the expressive positions as attribute, so the flow
is exact at every skin pixel, on both sides of the line between the lips. No search between the
pictures could say that: teeth have no partner in a closed mouth.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model_training.synthesis.face_model import FaceModel, Region
from model_training.synthesis.photos import Jitter
from model_training.synthesis.rasterizer import interpolate, rasterize
from model_training.synthesis.subject import Subject
from model_training.synthesis.warping import Deformed

FLOW_STEP = 2
"""Pixels of the crop from one value of the flow to the next."""


@dataclass(frozen=True, slots=True)
class PairGeometry:
    """How a pair's members lie to each other, in a crop of S pixels.

    Attributes:
        flow: float16 [S/2, S/2, 2], (x, y) from a neutral pixel to the same skin in the
            expressive picture, in pixels of the crop; value k belongs to pixel 2 k + 0.5.
        known: bool [S/2, S/2], where skin is seen and the flow is exact.
        opening: bool [S, S], the mouth's inside in the expressive picture.
        points: float32 [2, 468, 2], landmarks (x, y) of the neutral and of the expressive face.
    """

    flow: NDArray[np.float16]
    known: NDArray[np.bool_]
    opening: NDArray[np.bool_]
    points: NDArray[np.float32]


def pair_geometry(
    model: FaceModel, subject: Subject, deformed: Deformed, jitter: Jitter, size: int
) -> PairGeometry:
    """The geometry of a rendered pair.

    Args:
        model: the face model.
        subject: the neutral photograph.
        deformed: its mesh in the expression that was rendered.
        jitter: where the crop lies in the photograph's working picture.
        size: side S of the crop.
    """
    matrix, side = jitter.matrix, size // FLOW_STEP
    linear = np.abs(np.linalg.det(matrix[:, :2])) ** 0.5 / FLOW_STEP
    in_crop = subject.screen.copy()
    in_crop[:, :2] = (subject.screen[:, :2] @ matrix[:, :2].T + matrix[:, 2] - 0.5) / FLOW_STEP
    in_crop[:, 2] *= linear
    seen = rasterize(in_crop.astype(np.float32), model.triangles, side, side)
    moved = (deformed.screen[:, :2] - subject.screen[:, :2]).astype(np.float32)
    free = 1 - _at(subject.still, subject.screen[:, :2])
    flow = interpolate(seen, model.triangles, moved * free[:, None]) @ matrix[:, :2].T
    known = (seen.triangle >= 0) & (model.region[seen.triangle] == Region.SKIN)
    opening = cv2.warpAffine(
        deformed.mouth.astype(np.float32), matrix, (size, size), flags=cv2.INTER_LINEAR
    )
    shift = (moved * free[:, None])[model.mediapipe_vertices]
    faces = np.stack([subject.landmarks[:468], subject.landmarks[:468] + shift])
    return PairGeometry(
        flow=np.where(known[..., None], flow, 0).astype(np.float16),
        known=known,
        opening=opening > 0.5,
        points=(faces @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32),
    )


def _at(image: NDArray[np.float32], positions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values [V] of an image [H, W] at positions [V, 2] in its pixels; the border repeats."""
    x, y = (np.ascontiguousarray(positions[:, i], np.float32)[None] for i in (0, 1))
    found = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found[0], np.float32)
