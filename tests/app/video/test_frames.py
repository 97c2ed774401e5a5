"""Frames in, frames out, through the networks of this repository."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.errors import ModelFileError
from app.faces.detector import FaceDetector
from app.pipeline import Neutralizer
from app.video.options import VideoOptions
from app.video.tracks import EVERY, Tracker
from tests.app.video.films import drifting

Image = NDArray[np.uint8]
MOUTH = (slice(150, 180), slice(195, 265))


def test_a_smile_goes_and_the_rest_stays(shipped: Neutralizer, astronaut: Image) -> None:
    frames = [astronaut] * 9
    made = list(shipped.frames(iter(frames)))
    assert len(made) == len(frames)
    assert shipped.meter is not None
    for frame in made:
        assert np.abs(frame[MOUTH].astype(int) - astronaut[MOUTH]).mean() > 5
        assert np.array_equal(frame[300:], astronaut[300:])
    assert all(np.array_equal(frame, made[0]) for frame in made), "a still picture stays still"


def test_strength_and_regions(shipped: Neutralizer, astronaut: Image) -> None:
    frames = [astronaut] * 2
    same = shipped.frames(frames, VideoOptions(strength=0))
    assert all(np.array_equal(frame, astronaut) for frame in same)
    [brows, _] = shipped.frames(frames, VideoOptions(regions="brows"))
    assert np.abs(brows[MOUTH].astype(int) - astronaut[MOUTH]).mean() < 1


def test_frames_without_a_face_pass(shipped: Neutralizer, astronaut: Image, no_face: Image) -> None:
    coffee = np.ascontiguousarray(cv2.resize(no_face, (512, 512)))
    frames = [coffee] * EVERY + [astronaut] * (4 * EVERY) + [coffee] * EVERY
    made = list(shipped.frames(frames))
    changed = [not np.array_equal(a, b) for a, b in zip(made, frames, strict=True)]
    assert not any(changed[:EVERY] + changed[-EVERY:])
    assert all(changed[EVERY:-EVERY])
    change = [np.abs(a.astype(int) - b)[MOUTH].mean() for a, b in zip(made, frames, strict=True)]
    assert change[EVERY] < change[EVERY + 1] < change[EVERY + 4], "a track begins softly"
    assert change[-EVERY - 1] < change[-EVERY - 4], "and ends softly"


def test_only_the_largest(shipped: Neutralizer, astronaut: Image) -> None:
    small = cv2.resize(astronaut, (384, 384), interpolation=cv2.INTER_AREA)
    both = np.hstack([astronaut, np.pad(small, ((0, 128), (0, 0), (0, 0)))])
    [one, *_] = shipped.frames([both] * 3, VideoOptions(faces="largest"))
    assert np.array_equal(one[:, 512:], both[:, 512:])
    assert not np.array_equal(one[:, :512], both[:, :512])
    [every, *_] = shipped.frames([both] * 3)
    assert not np.array_equal(every[:, 512:], both[:, 512:])


def test_a_face_is_followed_between_two_looks(detector: FaceDetector, astronaut: Image) -> None:
    frames = drifting(astronaut, 2 * EVERY, step=3)
    seen = list(Tracker(detector, 24.0).follow(frames))
    [start] = seen[0].faces.values()
    for number, each in enumerate(seen):
        [(track, points)] = each.faces.items()
        assert track == 0
        assert np.allclose((points - start)[:2], [3 * number, 0], atol=1.0)


def test_small_faces_are_left_alone(detector: FaceDetector, astronaut: Image) -> None:
    [seen] = Tracker(detector, 60.0).follow([astronaut])
    assert not seen.faces


def test_a_model_in_one_piece_is_refused(neutralizer: Neutralizer, astronaut: Image) -> None:
    with pytest.raises(ModelFileError, match="not made for moving pictures"):
        list(neutralizer.frames([astronaut]))
