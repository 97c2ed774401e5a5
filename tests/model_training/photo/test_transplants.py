"""Transplants on a real face: the astronaut lends herself a mouth."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from model_training.photo.transplants import transplant
from model_training.portraits.aligned import AlignedFace, align_face, read_rgb
from model_training.portraits.landmarks import FloatArray

HERE = Path(__file__).resolve()
SAMPLE = HERE.parents[3] / "docs" / "samples" / "astronaut.jpg"
LANDMARKS = HERE.parents[1] / "synthesis" / "astronaut_landmarks.csv"


@pytest.fixture(scope="module")
def points() -> FloatArray:
    return np.loadtxt(LANDMARKS, delimiter=",", skiprows=1, dtype=np.float32)[:, -2:]


@pytest.fixture(scope="module")
def astronaut(points: FloatArray) -> AlignedFace:
    return align_face(read_rgb(SAMPLE), points, 256)


def test_ones_own_mouth_changes_nothing_much(astronaut: AlignedFace) -> None:
    result = transplant(astronaut, astronaut, np.random.default_rng(0))
    assert result is not None
    change = np.abs(result.astype(int) - astronaut.image)
    assert change.mean() < 2
    assert change[:100].max() == 0, "eyes and brows are never touched"


def test_a_donor_with_another_skin_round_the_mouth_is_refused(astronaut: AlignedFace) -> None:
    bearded = astronaut.image.copy()
    cv2.ellipse(bearded, (128, 200), (70, 42), 0, 0, 360, (30, 22, 18), -1)
    cv2.ellipse(bearded, (128, 188), (26, 14), 0, 0, 360, (170, 60, 60), -1)
    donor = AlignedFace(bearded, astronaut.points, astronaut.inside)
    assert transplant(astronaut, donor, np.random.default_rng(1)) is None


def test_a_region_beyond_the_photograph_is_refused(astronaut: AlignedFace) -> None:
    inside = astronaut.inside.copy()
    inside[170:] = False
    cut_off = AlignedFace(astronaut.image, astronaut.points, inside)
    assert transplant(cut_off, astronaut, np.random.default_rng(0)) is None
