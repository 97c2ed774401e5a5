"""Which face is where in each frame: found every few frames, followed in between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.detector import Face, FaceDetector
from app.faces.selection import cut_off, upright

Image = NDArray[np.uint8]
Points = NDArray[np.float64]

EVERY = 5
"""Frames from one look of the detector to the next."""
_LONG_SIDE = 640
"""Pixels at which points are followed: a few tenths of one of these are as good as the detector."""
_SAME = 0.6
"""Distance of two eye midpoints, in eye distances, up to which they are one face."""
_TRUST = 0.3
"""How far a track goes towards what the detector says of its face: the detector jitters by a pixel
or two, points that are followed drift."""
_BACK = 1.0
"""Pixels (at `_LONG_SIDE`) that a point followed forth and back may be off."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame and where faces are in it.

    Attributes:
        image: uint8 RGB [H, W, 3].
        faces: landmarks [5, 2] in pixels (see `Face`), by the number of the track.
    """

    image: Image
    faces: Mapping[int, Points]


@dataclass(frozen=True, slots=True)
class Tracker:
    """Finds and follows faces.

    Attributes:
        detector: looks at every `EVERY`th frame.
        min_eye_distance: pixels; smaller faces are left alone.
        whose: all faces, or the largest one for as long as it is seen.
    """

    detector: FaceDetector
    min_eye_distance: float
    whose: Literal["largest", "all"] = "all"

    def follow(self, frames: Iterable[Image]) -> Iterator[Seen]:
        """Each frame with its faces."""
        tracks: dict[int, Points] = {}
        next_number, before = 0, None
        for index, frame in enumerate(frames):
            small, scale = _small(frame)
            if before is not None and before.shape == small.shape:
                tracks = _moved(tracks, before, small, scale)
            if index % EVERY == 0:
                tracks, next_number = self._look(frame, tracks, next_number)
            before = small
            yield Seen(frame, dict(tracks))

    def _look(
        self, frame: Image, tracks: dict[int, Points], next_number: int
    ) -> tuple[dict[int, Points], int]:
        """What the detector finds, each face under the number of the track that it goes on with."""
        found = [face for face in self.detector.detect(frame) if self._usable(face, frame.shape)]
        left, now = dict(tracks), {}
        for face in found:
            number = next((n for n, points in left.items() if _same(points, face)), None)
            if number is not None:
                followed = left.pop(number)
                now[number] = followed + _TRUST * (face.landmarks - followed)
            elif self.whose == "all" or not tracks:
                now[next_number] = face.landmarks
                next_number += 1
        if self.whose == "largest" and len(now) > 1:
            known = [number for number in now if number in tracks]
            kept = known[0] if known else next(iter(now))  # the detector's first is the largest
            now = {kept: now[kept]}
        return now, next_number

    def _usable(self, face: Face, shape: tuple[int, ...]) -> bool:
        large = face.eye_distance >= self.min_eye_distance
        return large and upright(face) and not cut_off(face, shape)


def _same(points: Points, face: Face) -> bool:
    distance = np.hypot(*(points[:2].mean(0) - face.landmarks[:2].mean(0)))
    return bool(distance < _SAME * face.eye_distance)


def _small(frame: Image) -> tuple[Image, float]:
    """A grey copy to follow points in, and its pixels for one of the frame's."""
    scale = min(1.0, _LONG_SIDE / max(frame.shape[:2]))
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, np.uint8), scale


def _moved(
    tracks: Mapping[int, Points], before: Image, now: Image, scale: float
) -> dict[int, Points]:
    """The tracks in the next frame; those that cannot be followed are no longer among them.

    Five points alone slip: each track's are moved by the similarity that most of a grid of points
    over the face agree on, so that an expression does not pull the eyes with it.
    """
    followed = {}
    for number, points in tracks.items():
        grid = _grid(points).astype(np.float32) * scale
        there, ok, _ = cv2.calcOpticalFlowPyrLK(before, now, grid, grid.copy())
        back, ok_back, _ = cv2.calcOpticalFlowPyrLK(now, before, there, grid.copy())
        good = (ok.ravel() > 0) & (ok_back.ravel() > 0)
        good &= np.hypot(*(back - grid).T) < _BACK
        if good.sum() < 4:
            continue
        matrix, _ = cv2.estimateAffinePartial2D(
            np.asarray(grid[good] / scale, np.float32),
            np.asarray(there[good] / scale, np.float32),
            method=cv2.RANSAC,
            ransacReprojThreshold=2.0,
        )
        if matrix is not None:
            followed[number] = points @ matrix[:, :2].T + matrix[:, 2]
    return followed


def _grid(points: Points) -> Points:
    """Places between the brows, the eyes and the nose, which an expression moves least."""
    right, left, nose = points[:3]
    across, middle = left - right, (left + right) / 2
    down = nose - middle
    places = [(x, y) for y in (-0.3, 0.0, 0.4, 0.8) for x in (-0.6, -0.3, 0.0, 0.3, 0.6)]
    return np.array([middle + x * across + y * down for x, y in places])
