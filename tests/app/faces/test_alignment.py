from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.faces.alignment import (
    EYE_MIDPOINT,
    INTER_OCULAR,
    PHOTO_CROP_SIZES,
    DegenerateEyesError,
    choose_crop_size,
    crop_matrix,
    cut,
    inside_photograph,
    matrix_scale,
    transform_points,
)

coordinate = st.floats(0, 4000)


@given(
    x=coordinate,
    y=coordinate,
    distance=st.floats(2, 1500),
    angle=st.floats(-np.pi, np.pi),
    size=st.sampled_from([112, *PHOTO_CROP_SIZES]),
)
def test_eyes_land_where_the_contract_says(
    x: float, y: float, distance: float, angle: float, size: int
) -> None:
    eyes = np.array([[x, y], [x + distance * np.cos(angle), y + distance * np.sin(angle)]])
    matrix = crop_matrix(eyes[0], eyes[1], size)
    right, left = transform_points(eyes, matrix)
    half = INTER_OCULAR * size / 2
    middle = np.array(EYE_MIDPOINT) * size
    assert np.allclose(right, middle - np.array([half, 0]), atol=1e-6 * size)
    assert np.allclose(left, middle + np.array([half, 0]), atol=1e-6 * size)
    assert matrix_scale(matrix) == pytest.approx(INTER_OCULAR * size / distance)


def test_coinciding_eyes_are_refused() -> None:
    with pytest.raises(DegenerateEyesError):
        crop_matrix(np.array([5.0, 5.0]), np.array([5.5, 5.0]), 256)
    with pytest.raises(DegenerateEyesError):
        crop_matrix(np.array([np.nan, 5.0]), np.array([50.0, 5.0]), 256)


@pytest.mark.parametrize(
    ("eye_distance", "size"), [(10, 256), (69, 256), (76, 256), (77, 512), (300, 1024), (900, 1024)]
)
def test_crop_size_holds_the_face_at_its_own_resolution(eye_distance: float, size: int) -> None:
    assert choose_crop_size(eye_distance) == size


@pytest.mark.parametrize("scale", [0.25, 0.5, 0.79, 0.81, 1.0, 2.0])
def test_cut_puts_a_mark_where_the_matrix_says(scale: float) -> None:
    photo = np.zeros((600, 800, 3), np.uint8)
    cv2.circle(photo, (430, 310), 8, (255, 255, 255), -1)
    distance = INTER_OCULAR * 256 / scale
    matrix = crop_matrix(np.array([400.0, 300.0]), np.array([400.0 + distance, 300.0]), 256)
    crop = cut(photo, matrix, 256).image[..., 0].astype(np.float64)
    rows, columns = np.indices(crop.shape)
    centre = np.array([(columns * crop).sum(), (rows * crop).sum()]) / crop.sum()
    expected = transform_points(np.array([[430.0, 310.0]]), matrix)[0]
    assert np.allclose(centre, expected, atol=0.15)


def test_inside_photograph_is_the_photograph(astronaut: NDArray[np.uint8]) -> None:
    matrix = crop_matrix(np.array([10.0, 60.0]), np.array([79.0, 60.0]), 256)
    inside = inside_photograph(astronaut.shape, matrix, 256)
    origin = transform_points(np.array([[0.0, 0.0]]), matrix)[0]
    assert not inside[:, : int(origin[0]) - 1].any()
    assert not inside[: int(origin[1]) - 1].any()
    assert inside[int(origin[1]) + 2 :, int(origin[0]) + 2 :].all()
