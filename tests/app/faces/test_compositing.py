from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.faces.alignment import Crop, crop_matrix, cut, matrix_scale
from app.faces.compositing import change_map, composite, largest_difference, region_mask

Image = NDArray[np.uint8]

EYES = [
    pytest.param((180.0, 200.0), (249.0, 200.0), id="level, scale 1"),
    pytest.param((180.0, 200.0), (240.0, 240.0), id="turned"),
    pytest.param((180.0, 200.0), (210.0, 190.0), id="crop enlarged"),
    pytest.param((150.0, 200.0), (350.0, 220.0), id="crop reduced"),
    pytest.param((20.0, 60.0), (90.0, 60.0), id="over the corner"),
]


def crop_at(photo: Image, right: tuple[float, float], left: tuple[float, float]) -> Crop:
    return cut(photo, crop_matrix(np.array(right), np.array(left), 256), 256)


@pytest.mark.parametrize(("right", "left"), EYES)
def test_outside_the_mask_nothing_changes(
    astronaut: Image, right: tuple[float, float], left: tuple[float, float]
) -> None:
    crop = crop_at(astronaut, right, left)
    before = astronaut.copy()
    altered, mask = composite(astronaut, crop, 255 - crop.image)
    assert np.array_equal(astronaut, before)  # the input is left alone
    assert mask.shape == astronaut.shape[:2]
    assert np.array_equal(altered[mask == 0], astronaut[mask == 0])
    assert (mask == 255).any()
    assert (altered[mask == 255] != astronaut[mask == 255]).any(-1).mean() > 0.95


@pytest.mark.parametrize(("right", "left"), EYES)
def test_an_untouched_crop_leaves_an_empty_mask(
    astronaut: Image, right: tuple[float, float], left: tuple[float, float]
) -> None:
    crop = crop_at(astronaut, right, left)
    altered, mask = composite(astronaut, crop, crop.image)
    assert not mask.any()
    assert np.array_equal(altered, astronaut)


def test_rounding_noise_is_no_change(astronaut: Image) -> None:
    crop = crop_at(astronaut, (180.0, 200.0), (249.0, 200.0))
    noise = np.random.default_rng(0).integers(0, 2, crop.image.shape).astype(np.uint8)
    neutral = np.minimum(crop.image, 254) + noise
    neutral[crop.image == 255] = 255
    altered, mask = composite(astronaut, crop, neutral.astype(np.uint8))
    assert not mask.any()
    assert np.array_equal(altered, astronaut)


def test_a_local_change_stays_local_and_is_fully_covered(astronaut: Image) -> None:
    crop = crop_at(astronaut, (180.0, 200.0), (249.0, 200.0))
    neutral = crop.image.copy()
    cv2.circle(neutral, (128, 190), 12, (0, 255, 0), -1)
    changed = (neutral != crop.image).any(-1)
    weight = change_map(largest_difference(crop.image, neutral).astype(np.float32))
    assert weight[changed].min() > 0.999
    far = cv2.dilate(changed.astype(np.uint8), np.ones((61, 61), np.uint8)) == 0
    assert weight[far].max() == 0


def test_region_ends_before_the_crop_does() -> None:
    region = region_mask(256)
    edge = 256 // 100
    frame = np.ones_like(region, bool)
    frame[edge:-edge, edge:-edge] = False
    assert region[frame].max() == 0
    assert region[int(0.3 * 256) : int(0.8 * 256), int(0.25 * 256) : int(0.75 * 256)].min() == 1


@pytest.mark.parametrize(("right", "left"), EYES)
def test_what_was_painted_in_the_crop_lands_at_its_place(
    right: tuple[float, float], left: tuple[float, float]
) -> None:
    photo = np.full((512, 512, 3), 90, np.uint8)
    crop = crop_at(photo, right, left)
    neutral = crop.image.copy()
    spot = (135, 150)
    radius = max(4, round(6 * matrix_scale(crop.matrix)))
    cv2.circle(neutral, spot, radius, (250, 250, 250), -1)
    altered, _ = composite(photo, crop, neutral)
    bright = altered[..., 0].astype(np.float64) - 90
    rows, columns = np.indices(bright.shape)
    centre = np.array([(columns * bright).sum(), (rows * bright).sum()]) / bright.sum()
    inverse = cv2.invertAffineTransform(crop.matrix)
    expected = inverse[:, :2] @ np.array(spot, np.float64) + inverse[:, 2]
    assert np.allclose(centre, expected, atol=0.25)
    assert altered.max() > 240


def test_crop_beyond_the_photograph_is_harmless(astronaut: Image) -> None:
    crop = crop_at(astronaut, (-400.0, -400.0), (-331.0, -400.0))
    altered, mask = composite(astronaut, crop, 255 - crop.image)
    assert not mask.any()
    assert np.array_equal(altered, astronaut)


def test_wrong_shape_is_refused(astronaut: Image) -> None:
    crop = crop_at(astronaut, (180.0, 200.0), (249.0, 200.0))
    with pytest.raises(ValueError, match="crop"):
        composite(astronaut, crop, crop.image[:100])


@pytest.mark.parametrize(("right", "left"), EYES[:4])
def test_a_light_change_costs_no_sharpness(
    right: tuple[float, float], left: tuple[float, float]
) -> None:
    rng = np.random.default_rng(0)
    texture = cv2.GaussianBlur(rng.integers(60, 160, (512, 512, 3), dtype=np.uint8), (0, 0), 0.7)
    photo = np.asarray(texture, np.uint8)
    crop = crop_at(photo, right, left)
    altered, mask = composite(photo, crop, crop.image + np.uint8(6))
    whole = mask == 255
    assert whole.any()
    # Six grey levels lighter, and every grain of the photograph still there.
    assert np.abs(altered[whole].astype(int) - photo[whole] - 6).max() <= 1


def test_replaced_content_leaves_no_ghost(astronaut: Image) -> None:
    crop = crop_at(astronaut, (180.0, 200.0), (210.0, 190.0))
    neutral = crop.image.copy()
    neutral[150:200, 100:150] = (200, 40, 40)
    altered, mask = composite(astronaut, crop, neutral)
    back = cv2.invertAffineTransform(crop.matrix) @ np.array([125.0, 175.0, 1.0])
    x, y = (round(float(value)) for value in back)
    assert mask[y, x] == 255
    assert np.abs(altered[y - 2 : y + 3, x - 2 : x + 3].astype(int) - (200, 40, 40)).max() <= 1
