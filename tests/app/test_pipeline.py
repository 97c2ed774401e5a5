from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PilImage

from app.api.info import describe
from app.errors import (
    FaceCutOffError,
    FaceTooSmallError,
    IncompatibleOptionsError,
    ModelNotAvailableError,
    MultipleFacesError,
    NoFaceError,
)
from app.imaging.provenance import COMPOSITE
from app.pipeline import Neutralizer, Options, Result
from app.settings import Settings
from tests.app.files import deep_png, encode, with_orientation
from tests.app.toy_graph import write_models

Image = NDArray[np.uint8]


def pixels_of(png: bytes) -> Image:
    with PilImage.open(io.BytesIO(png)) as image:
        return np.asarray(image, np.uint8)


def assert_only_the_mask_changed(result: Result, photo: Image) -> None:
    assert result.image.shape == photo.shape
    outside = result.mask == 0
    assert np.array_equal(result.image[outside], photo[outside])
    assert np.array_equal(pixels_of(result.file), result.image)


def test_only_the_face_changes(neutralizer: Neutralizer, astronaut: Image) -> None:
    result = neutralizer.neutralize(encode(astronaut))
    assert result.altered
    assert_only_the_mask_changed(result, astronaut)
    rows, columns = np.nonzero(result.mask)
    # The toy graph brightens from the middle of the crop on, which is just below the eyes.
    eyes = result.faces[0].face.landmarks[:2].mean(0)
    assert rows.min() > eyes[1] - 10
    assert abs(columns.mean() - eyes[0]) < 10
    assert 0.01 < result.faces[0].altered_share < 0.1
    brighter = result.image.astype(int) - astronaut
    assert brighter[result.mask == 255].max() >= 38
    assert result.faces[0].crop_size == 256


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_the_answer_is_upright_and_without_exif(
    neutralizer: Neutralizer, astronaut: Image, orientation: int
) -> None:
    photo = np.ascontiguousarray(astronaut[:400])
    result = neutralizer.neutralize(with_orientation(photo, orientation, "PNG"))
    assert_only_the_mask_changed(result, photo)
    with PilImage.open(io.BytesIO(result.file)) as image:
        assert len(image.getexif()) == 0
        assert b"eXIf" not in result.file


def test_grey_and_16_bit(neutralizer: Neutralizer, astronaut: Image) -> None:
    grey = np.ascontiguousarray(astronaut[..., 1])
    assert_only_the_mask_changed(neutralizer.neutralize(encode(grey)), np.dstack([grey] * 3))
    result = neutralizer.neutralize(deep_png(astronaut))
    assert result.altered
    assert_only_the_mask_changed(result, astronaut)


def test_strength_scales_the_change(neutralizer: Neutralizer, astronaut: Image) -> None:
    data = encode(astronaut)
    half, full = (neutralizer.neutralize(data, Options(strength=s)) for s in (0.5, 1.0))
    both = (half.mask == 255) & (full.mask == 255) & (full.image.max(-1) < 250)
    gain = [(r.image[both].astype(float) - astronaut[both]).mean() for r in (half, full)]
    assert gain[0] == pytest.approx(gain[1] / 2, rel=0.05)


def test_a_model_without_regions_says_so(neutralizer: Neutralizer, astronaut: Image) -> None:
    with pytest.raises(IncompatibleOptionsError, match=r"photo cannot tell eyes, mouth"):
        neutralizer.neutralize(encode(astronaut), Options(regions="mouth,eyes"))


def test_regions_get_their_part(astronaut: Image, tmp_path: Path) -> None:
    models = write_models(tmp_path, regions=("brows", "eyes", "mouth"))
    settings = Settings(models_dir=models, device="cpu", warm_up=False)
    service, data = Neutralizer.build(settings), encode(astronaut)
    assert describe(service, settings).models["photo"].regions == ["brows", "eyes", "mouth"]
    parts = (None, "eyes,brows,mouth", "brows,mouth", "eyes")
    whole, named, two, one = (service.neutralize(data, Options(regions=part)) for part in parts)
    assert np.array_equal(whole.image, named.image)
    sure = (one.mask == 255) & (whole.mask == 255) & (whole.image.max(-1) < 250)
    gain = [(r.image[sure].astype(float) - astronaut[sure]).mean() for r in (whole, two, one)]
    assert gain == pytest.approx([gain[0], gain[0] * 2 / 3, gain[0] / 3], rel=0.05)


def test_nothing_to_change_returns_the_photograph(
    neutralizer: Neutralizer, astronaut: Image
) -> None:
    result = neutralizer.neutralize(encode(astronaut), Options(strength=0))
    assert not result.altered
    assert not result.mask.any()
    assert np.array_equal(result.image, astronaut)
    assert COMPOSITE.encode() not in result.file


def test_an_altered_picture_says_so(neutralizer: Neutralizer, astronaut: Image) -> None:
    result = neutralizer.neutralize(encode(astronaut))
    assert COMPOSITE.encode() in result.file
    with PilImage.open(io.BytesIO(result.file)) as image:
        assert image.info["Software"].startswith("StoicNet ")
        assert image.info["Software"].endswith("(photo 0.0.1)")


def test_face_alone(neutralizer: Neutralizer, astronaut: Image) -> None:
    result = neutralizer.neutralize(encode(astronaut), Options(output="face"))
    assert result.image.shape == (256, 256, 3)
    assert result.altered


def test_several_people(neutralizer: Neutralizer, two_faces: Image) -> None:
    data = encode(two_faces)
    with pytest.raises(MultipleFacesError):
        neutralizer.neutralize(data)
    largest = neutralizer.neutralize(data, Options(faces="largest"))
    assert len(largest.faces) == 1
    assert_only_the_mask_changed(largest, two_faces)
    halves = [largest.mask[:, :512].any(), largest.mask[:, 512:].any()]
    assert sorted(halves) == [False, True]
    everyone = neutralizer.neutralize(data, Options(faces="all"))
    assert [face.altered for face in everyone.faces] == [True, True]
    assert everyone.mask[:, :512].any()
    assert everyone.mask[:, 512:].any()
    assert_only_the_mask_changed(everyone, two_faces)


def test_refusals(neutralizer: Neutralizer, astronaut: Image, no_face: Image) -> None:
    with pytest.raises(NoFaceError):
        neutralizer.neutralize(encode(no_face))
    with pytest.raises(NoFaceError):
        neutralizer.neutralize(encode(np.zeros((1, 1, 3), np.uint8)))
    with pytest.raises(FaceTooSmallError):
        neutralizer.neutralize(encode(np.ascontiguousarray(astronaut[::4, ::4])))
    with pytest.raises(FaceCutOffError):
        neutralizer.neutralize(encode(np.ascontiguousarray(astronaut[:140])))
    with pytest.raises(ModelNotAvailableError):
        neutralizer.neutralize(encode(astronaut), Options(model="classic"))
    with pytest.raises(IncompatibleOptionsError):
        neutralizer.neutralize(encode(astronaut), Options(output="face", faces="all"))


def test_close_up_works_at_a_larger_crop(neutralizer: Neutralizer, astronaut: Image) -> None:
    close = astronaut[40:200, 150:300].repeat(6, 0).repeat(6, 1)
    result = neutralizer.neutralize(encode(close))
    assert result.faces[0].crop_size == 1024
    assert result.altered
    assert_only_the_mask_changed(result, close)


def test_timings_name_every_stage(neutralizer: Neutralizer, astronaut: Image) -> None:
    timings = neutralizer.neutralize(encode(astronaut)).timings
    assert list(timings) == ["decode", "detect", "crop", "infer", "composite", "encode"]
    assert all(spent > 0 for spent in timings.values())
