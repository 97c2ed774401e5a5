"""The renderer says where every point of the neutral face lies in the expressive picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from model_training.portraits.landmarks import INNER_LIP_BOTTOM, INNER_LIP_TOP
from model_training.synthesis.actions import shape_weights
from model_training.synthesis.expression import Expression
from model_training.synthesis.face_model import FaceModel
from model_training.synthesis.geometry import PairGeometry, pair_geometry
from model_training.synthesis.photos import Image, Jitter, place
from model_training.synthesis.render import Look, pose_expression, render
from model_training.synthesis.subject import Subject

SIZE = 160
PLAIN = Look(relight=0, folds=0)


def posed(
    model: FaceModel, subject: Subject, units: dict[str, float]
) -> tuple[Image, Image, PairGeometry]:
    """Neutral and expressive crop, and the geometry between them."""
    expression = Expression("test", units, shape_weights(model, units, 0.0))
    zoom, side = SIZE / len(subject.image), len(subject.image)
    matrix = np.asarray(cv2.getRotationMatrix2D((side / 2, side / 2), 4.0, zoom), np.float64)
    matrix[:, 2] += SIZE / 2 - side / 2
    jitter = Jitter(matrix, gamma=1, gain=1, saturation=1)
    deformed = pose_expression(model, subject, expression)
    images = (subject.image, render(model, subject, expression, PLAIN))
    neutral, expressive = (place(image, jitter, SIZE) for image in images)
    return neutral, expressive, pair_geometry(model, subject, deformed, jitter, SIZE)


def test_flow_leads_to_the_same_skin(model: FaceModel, subject: Subject) -> None:
    neutral, expressive, geometry = posed(model, subject, {"AU12": 1.0, "AU4": 0.8})
    at = np.arange(SIZE // 2, dtype=np.float32) * 2 + 0.5
    x, y = np.meshgrid(at, at)
    flow = geometry.flow.astype(np.float32)
    there = cv2.remap(expressive, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)
    here, left = (cv2.remap(image, x, y, cv2.INTER_LINEAR) for image in (neutral, expressive))
    moved = geometry.known & (np.linalg.norm(flow, axis=2) > 1.5)
    assert moved.sum() > 100
    error, still = (np.abs(seen.astype(float) - here)[moved].mean() for seen in (there, left))
    assert error < 0.5 * still
    assert not geometry.flow[~geometry.known].any()


def test_an_opening_mouth_parts_at_the_lip_line(model: FaceModel, subject: Subject) -> None:
    _, _, geometry = posed(model, subject, {"AU27": 1.0})
    neutral, expressive = geometry.points
    x, y = (neutral[list(INNER_LIP_TOP)] + neutral[list(INNER_LIP_BOTTOM)])[5] / 2
    column, row = round((x - 0.5) / 2), int((y - 0.5) / 2)
    # Landmark 17 is the lower edge of the lower lip: it goes down with the jaw.
    lowered = expressive[17, 1] - neutral[17, 1]
    assert lowered > 8
    assert abs(geometry.flow[row - 2, column, 1]) < 0.1 * lowered, "the upper lip stays"
    assert geometry.flow[row + 3, column, 1] == pytest.approx(lowered, rel=0.1)
    rows, columns = np.nonzero(geometry.opening)
    assert len(rows) > 20
    assert y - 5 < rows.min()  # towards the corners the line rises
    assert rows.max() < y + lowered + 2
    assert abs(columns.mean() - x) < 0.1 * SIZE


def test_nothing_moves_without_an_expression(model: FaceModel, subject: Subject) -> None:
    _, _, geometry = posed(model, subject, {})
    assert np.abs(geometry.flow).max() < 0.1
    assert geometry.known.mean() > 0.2
    assert np.abs(geometry.points[0] - geometry.points[1]).max() < 0.1
