"""Sharpness, change outside the mask, seam and likeness on pictures with known answers."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from model_training.measure import picture as measure
from model_training.portraits.landmarks import LIPS_OUTER, OUTLINE

Image = NDArray[np.uint8]


def noise(size: int = 200) -> Image:
    grey = np.random.default_rng(0).integers(60, 190, (size, size, 1)).astype(np.uint8)
    return np.repeat(grey, 3, 2)


def face_points(size: float = 200.0) -> NDArray[np.float64]:
    """A schematic face: an oval outline, lips, irises, nose; enough for the regions."""
    points = np.full((478, 2), size / 2)
    turn = np.linspace(0, 2 * np.pi, len(OUTLINE), endpoint=False) - np.pi / 2
    points[list(OUTLINE)] = (
        size / 2 + np.stack([0.35 * np.cos(turn), 0.45 * np.sin(turn)], 1) * size
    )
    turn = np.linspace(0, 2 * np.pi, len(LIPS_OUTER), endpoint=False)
    points[list(LIPS_OUTER)] = np.array([0.5, 0.72]) * size + (
        np.stack([0.12 * np.cos(turn), 0.05 * np.sin(turn)], 1) * size
    )
    points[468], points[473] = np.array([0.37, 0.4]) * size, np.array([0.63, 0.4]) * size
    points[33], points[133] = np.array([0.32, 0.4]) * size, np.array([0.42, 0.4]) * size
    points[362], points[263] = np.array([0.58, 0.4]) * size, np.array([0.68, 0.4]) * size
    points[2] = np.array([0.5, 0.6]) * size
    return points


def test_regions_leave_out_the_mouth_and_the_lower_one_lies_below_the_nose() -> None:
    whole, lower = measure.face_regions(face_points(), (200, 200, 3))
    assert whole[80, 100]
    assert whole[180, 100]
    assert not whole[144, 100]  # the mouth
    assert not whole[5, 5]
    assert lower[175, 100]
    assert not lower[80, 100]
    assert np.array_equal(lower & whole, lower)


def test_fine_detail_does_not_depend_on_brightness_and_falls_with_blur() -> None:
    sharp = noise()
    region = np.ones(sharp.shape[:2], bool)
    base = measure.fine_detail(sharp, region)
    brighter = (sharp + 20).astype(np.uint8)
    assert measure.fine_detail(brighter, region) == pytest.approx(base)
    half = (sharp.astype(int) // 2).astype(np.uint8)
    assert measure.fine_detail(half, region) == pytest.approx(base / 2, rel=0.02)
    assert measure.fine_detail(cv2.blur(sharp, (3, 3)), region) < base / 3
    assert measure.fine_detail(sharp, np.zeros_like(region)) == 0.0


def test_fine_detail_of_a_single_bright_pixel() -> None:
    # Laplacian of one pixel of height 100: -400 there and 100 at its four neighbours.
    image = np.zeros((9, 9, 3), np.uint8)
    image[4, 4] = 100
    found = measure.fine_detail(image, np.ones((9, 9), bool))
    assert found == pytest.approx(np.sqrt((400**2 + 4 * 100**2) / 81))


def test_outside_change_counts_only_outside() -> None:
    before = noise(20)
    after = before.copy()
    mask = np.zeros((20, 20), bool)
    mask[5:15, 5:15] = True
    after[8, 8] ^= 255
    assert measure.outside_change(before, after, mask) == (0, 0)
    after[0, 0, 1] = before[0, 0, 1] + 7
    after[19, 3, 2] = before[19, 3, 2] - 2
    assert measure.outside_change(before, after, mask) == (7, 2)
    assert measure.outside_change(before, after, np.ones_like(mask)) == (0, 0)


def test_seam_is_the_slope_of_the_change_and_independent_of_the_picture() -> None:
    before = noise()
    band = np.zeros((200, 200), bool)
    band[:, 80:120] = True
    assert measure.seam(before, before, band, 100.0) == 0.0
    ramp = np.clip(np.arange(200) - 80, 0, 40)[None, :, None]
    after = np.clip(before.astype(int) + ramp, 0, 255).astype(np.uint8)
    # One grey level a pixel inside the band, and eyes 100 px apart; half of it at the two ends.
    assert measure.seam(before, after, band, 100.0) == pytest.approx(1.0, abs=0.03)
    assert measure.seam(before, after, band, 50.0) == pytest.approx(0.5, abs=0.02)


def test_similarity_recovers_turn_scale_and_shift() -> None:
    source = np.random.default_rng(1).normal(size=(17, 2)) * 50
    angle, scale = 0.3, 1.7
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    target = source @ linear.T + np.array([12.0, -5.0])
    found = measure.similarity(source, target)
    assert np.allclose(found, np.column_stack([linear, [12.0, -5.0]]))


def test_likeness_is_one_for_the_same_picture_even_when_shifted(astronaut: Image) -> None:
    picture = np.ascontiguousarray(astronaut[:256, 96:352])
    points = face_points(256.0)
    assert measure.likeness(picture, points, picture, points) == pytest.approx(1.0)
    moved = np.roll(picture, (6, -9), (0, 1))
    shifted = measure.likeness(picture, points, moved, points + np.array([-9.0, 6.0]))
    assert shifted > 0.99
    blurred = np.asarray(cv2.GaussianBlur(picture, (0, 0), 4), np.uint8)
    assert measure.likeness(blurred, points, picture, points) < 0.9
