"""Light is warped bicubically, colour bilinearly, rows at a time."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.faces.warping import bands, planes_of, warp, warp_plane

Image = NDArray[np.uint8]
TURNED = np.array([[0.97, 0.05, 3.0], [-0.05, 0.97, 20.0]])


@pytest.fixture(scope="module")
def photograph() -> Image:
    """Light with detail of several sizes, colour that changes slowly."""
    draw = np.random.default_rng(0)

    def cloud(side: int) -> NDArray[np.float64]:
        return cv2.resize(draw.random((side, side)), (700, 700), interpolation=cv2.INTER_CUBIC)

    light = 100 * cloud(300) + 60 * cloud(40) + 30
    tints = [60 * cloud(20) - 30, np.zeros((700, 700)), 60 * cloud(20) - 30]
    return np.clip(np.dstack([light + tint for tint in tints]), 0, 255).astype(np.uint8)


def test_a_picture_that_stays_in_place_is_the_same(photograph: Image) -> None:
    assert np.array_equal(warp(photograph, np.eye(2, 3), (700, 700)), photograph)


def test_it_is_the_bicubic_warp_of_what_photographs_show(photograph: Image) -> None:
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    wanted = cv2.warpAffine(
        photograph, TURNED, (650, 620), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    found = warp(photograph, TURNED, (650, 620))
    assert found.shape == (620, 650, 3)
    off = np.abs(found.astype(int) - wanted)
    assert off.mean() < 0.3, "of OpenCV, which rounds in between"
    assert off.max() <= 2


def test_rows_join_without_a_seam(photograph: Image) -> None:
    parts = list(bands(620))
    assert [(rows.start, rows.stop) for rows in parts] == [(0, 256), (256, 512), (512, 620)]
    light, _, blue = planes_of(photograph)
    for plane, how in ((light, cv2.INTER_CUBIC), (blue, cv2.INTER_LINEAR)):
        joined = [warp_plane(plane, TURNED, 650, rows, how) for rows in parts]
        whole = warp_plane(plane, TURNED, 650, slice(0, 620), how)
        assert np.abs(np.concatenate(joined) - whole).max() < 0.1


def test_grey_stays_grey_and_borders_are_repeated(photograph: Image) -> None:
    grey = np.repeat(photograph[..., 1:2], 3, 2)
    beyond = np.array([[1.0, 0.0, 500.0], [0.0, 1.0, 0.0]])
    for matrix in (TURNED, beyond):
        found = warp(grey, matrix, (700, 700))
        assert np.array_equal(found[..., 0], found[..., 1])
        assert np.array_equal(found[..., 2], found[..., 1])
    assert np.array_equal(found[:, 400], grey[:, -1])
