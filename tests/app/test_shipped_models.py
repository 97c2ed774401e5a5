"""The contract of the models in this repository, run for real."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from app.faces.alignment import PHOTO_CROP_SIZES, crop_matrix, cut
from app.faces.detector import FaceDetector
from app.pipeline import Neutralizer, Options
from tests.app.files import encode

Image = NDArray[np.uint8]


@pytest.fixture(scope="module")
def eyes(detector: FaceDetector, astronaut: Image) -> NDArray[np.float64]:
    return detector.detect(astronaut)[0].landmarks[:2]


@pytest.mark.parametrize("size", PHOTO_CROP_SIZES)
def test_every_crop_size(
    shipped: Neutralizer, astronaut: Image, eyes: NDArray[np.float64], size: int
) -> None:
    crop = cut(astronaut, crop_matrix(eyes[0], eyes[1], size), size).image
    neutral = shipped.models["photo"].neutralize(crop, 1.0)
    assert neutral.shape == crop.shape
    assert neutral.dtype == np.uint8


def test_strength_zero_leaves_the_crop_and_batches_mix_strengths(
    shipped: Neutralizer, astronaut: Image, eyes: NDArray[np.float64]
) -> None:
    crop = cut(astronaut, crop_matrix(eyes[0], eyes[1], 256), 256).image
    session = shipped.models["photo"].session
    untouched, full = session.run(np.stack([crop, crop]), np.array([0, 1], np.float32))
    assert np.abs(untouched.astype(int) - crop).max() <= 1
    alone = session.run(crop[None], np.ones(1, np.float32))[0]
    assert np.abs(alone.astype(int) - full).max() <= 1


def test_metadata_says_what_the_model_is(shipped: Neutralizer) -> None:
    for name, model in shipped.models.items():
        metadata = model.session.metadata
        assert name in metadata["name"]
        assert metadata["version"] == model.version
        assert {"crop_spec", "licence", "training_data", "config_hash"} <= metadata.keys()


def test_whole_photograph(shipped: Neutralizer, astronaut: Image) -> None:
    result = shipped.neutralize(encode(astronaut))
    outside = result.mask == 0
    assert outside.mean() > 0.8
    assert np.array_equal(result.image[outside], astronaut[outside])


@pytest.mark.parametrize(
    ("regions", "above", "below"), [("mouth", False, True), ("brows,eyes", True, False)]
)
def test_regions_that_are_not_named_stay(
    shipped: Neutralizer, astronaut: Image, regions: str, above: bool, below: bool
) -> None:
    result = shipped.neutralize(encode(astronaut), Options(regions=regions))
    changed = np.argwhere((result.image != astronaut).any(2))[:, ::-1]  # x, y
    right, left, _, *mouth = result.faces[0].face.landmarks
    # This face lies a bit turned: each pixel is held to the line through both eyes at its place.
    slope = (left - right)[1] / (left - right)[0]
    beneath = changed[:, 1] - (right[1] + slope * (changed[:, 0] - right[0]))
    # The mouth fades in from a little below the eyes on.
    assert (beneath < 0).any() == above
    assert (changed[:, 1] > np.mean(mouth, 0)[1] - 5).any() == below
