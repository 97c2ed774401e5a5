"""Photographs that lie on their side, or upside down, and say nothing of it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.faces.detector import FaceDetector
from app.faces.quality import quality_components, roll_degrees
from app.pipeline import Neutralizer
from tests.app.files import encode

Image = NDArray[np.uint8]


def turned(image: Image, degrees: float) -> tuple[Image, NDArray[np.float64]]:
    """The whole picture turned counter-clockwise, and the matrix of that."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    matrix[:, 2] += 100
    size = (width + 200, height + 200)
    done = cv2.warpAffine(image, matrix, size, borderValue=(127, 127, 127))
    return np.asarray(done, np.uint8), np.asarray(matrix, np.float64)


@pytest.mark.parametrize("degrees", [0, 30, 60, 90, 135, 180, 240, 270])
def test_a_face_is_found_however_it_lies(
    detector: FaceDetector, astronaut: Image, degrees: int
) -> None:
    [upright] = detector.detect(astronaut)
    image, matrix = turned(astronaut, degrees)
    [face] = detector.detect(image)
    wanted = upright.landmarks @ matrix[:, :2].T + matrix[:, 2]
    assert np.abs(face.landmarks - wanted).max() < 5
    roll = (roll_degrees(face) - roll_degrees(upright) + degrees + 180) % 360 - 180
    assert abs(roll) < 4
    x, y, width, height = face.box
    assert (wanted > [x, y]).all()
    assert (wanted < [x + width, y + height]).all()


def test_quality_is_measured_along_the_face(detector: FaceDetector, astronaut: Image) -> None:
    [upright] = detector.detect(astronaut)
    straight = quality_components(upright, [upright], astronaut.shape)
    for quarters in (1, 2, 3):
        image = np.ascontiguousarray(np.rot90(astronaut, quarters))
        [face] = detector.detect(image)
        lying = quality_components(face, [face], image.shape)
        for name in ("HeadSize", "LeftwardCropOfTheFaceImage", "RightwardCropOfTheFaceImage"):
            assert lying[name].native == pytest.approx(straight[name].native, rel=0.1)
        assert lying["HeadPoseRoll"].quality is not None
        assert lying["HeadPoseRoll"].quality < 5


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_it_is_neutralized_where_it_lies(
    shipped: Neutralizer, astronaut: Image, quarters: int
) -> None:
    image = np.ascontiguousarray(np.rot90(astronaut, quarters))
    result = shipped.neutralize(encode(image))
    straight = shipped.neutralize(encode(astronaut))
    assert result.altered
    assert result.image.shape == image.shape
    back = np.rot90(result.image, -quarters).astype(int)
    assert np.abs(back - straight.image)[straight.mask > 0].mean() < 3
    before, after = result.faces[0].before, result.faces[0].after
    assert before is not None
    assert after is not None
    assert after.score < before.score / 2
