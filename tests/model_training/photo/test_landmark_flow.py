"""Landmarks of a pair say how it moves, each lip by itself."""

import numpy as np

from model_training.photo.landmark_flow import (
    aside,
    below,
    landmark_flow,
    lip_edges,
    lip_line,
    opening_between,
)
from model_training.portraits.landmarks import INNER_LIP_BOTTOM, INNER_LIP_TOP, OUTLINE
from tests.model_training.photo_set import MOUTH, drawn_lips


def face(open_mouth: bool, size: int = 256) -> np.ndarray:
    """Landmarks of an oval with lips; all others lie scattered over it and do not move."""
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, 468)
    radius = 0.3 * np.sqrt(rng.uniform(0, 1, 468))
    points = 0.5 + np.stack([np.cos(angle), np.sin(angle)], 1) * radius[:, None]
    ring = np.linspace(-np.pi / 2, 1.5 * np.pi, len(OUTLINE), endpoint=False)
    points[list(OUTLINE)] = 0.5 + 0.4 * np.stack([np.cos(ring), np.sin(ring)], 1)
    points *= size
    for indices, edge in zip(
        (INNER_LIP_TOP, INNER_LIP_BOTTOM), drawn_lips(open_mouth, size), strict=True
    ):
        points[list(indices)] = edge
    return points


def test_lips_are_read_from_left_to_right() -> None:
    points = face(True)
    np.testing.assert_allclose(lip_edges(points), drawn_lips(True), atol=1e-4)
    np.testing.assert_allclose(lip_line(points)[:, 1], MOUTH[1] * 256, atol=1e-3)


def test_below_counts_downwards() -> None:
    line = np.array([[10.0, 20.0], [30.0, 40.0]])
    found = below(line, 64, 2)
    assert found.shape == (32, 32)
    # Value (15, 10) belongs to pixel (30.5, 20.5): the line is at 30.5 there.
    assert abs(found[15, 10]) < 1e-5
    assert found[20, 10] == 10


def test_aside_counts_from_the_ends() -> None:
    found = aside(np.array([[10.0, 20.0], [20.0, 30.0], [30.0, 40.0]]), 64, 2)
    assert found.shape == (32, 32)
    assert found[0, 10] == found[31, 10] == -9.5  # pixel 20.5, between 10 and 30
    assert found[0, 20] == 10.5


def test_opening_is_between_the_lips() -> None:
    opening = opening_between(drawn_lips(True), 256, 2)
    assert opening[int(MOUTH[1] * 128), 64] == 1
    assert opening[int(MOUTH[1] * 128) - 12, 64] == 0
    area = opening.sum() * 4
    assert abs(area - np.pi * (256 / 9) * 16) < 0.1 * area
    assert not opening_between(drawn_lips(False), 256, 2).any()


def test_lips_come_from_their_own_side() -> None:
    flow, holds = landmark_flow(face(False), face(True), 256, 2)
    assert flow.shape == (128, 128, 2)
    row, column = int(MOUTH[1] * 128), 64
    assert flow[row - 2, column, 1] < -8, "the upper lip from above"
    assert flow[row + 2, column, 1] > 8, "the lower lip from below"
    assert abs(flow[row, 24]).max() < 1.5, "beyond the corners nothing jumps"
    assert holds[64, 64]
    assert not holds[2, 2]
    same, _ = landmark_flow(face(False), face(False), 256, 2)
    assert abs(same).max() < 1e-3
