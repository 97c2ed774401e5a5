"""The detector's network in ONNX Runtime finds what OpenCV's own wrapper of it finds."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.errors import ModelFileError
from app.faces.detector import yunet_path
from app.faces.yunet import Yunet

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


def test_another_file_is_refused(model: bytes) -> None:
    with pytest.raises(ModelFileError, match="input"):
        Yunet(b"another graph", 0.6, 0.3, threads=1)
    with pytest.raises(ModelFileError, match="cannot be loaded"):
        Yunet(model[:5000], 0.6, 0.3, threads=1)
