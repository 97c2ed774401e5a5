"""Shared pieces: the stand-in face model, and a folder of photographs with its landmark table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from model_training.synthesis.face_model import FaceModel, load_face_model
from model_training.synthesis.photos import portrait
from model_training.synthesis.subject import Subject, prepare
from tests.model_training.synthesis import standin


@pytest.fixture(scope="session")
def face_model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in as a file."""
    file = tmp_path_factory.mktemp("model") / "face_model.npz"
    standin.write_face_model(file)
    return file


@pytest.fixture(scope="session")
def model(face_model_file: Path) -> FaceModel:
    """The stand-in as the real loader reads it."""
    return load_face_model(face_model_file)


@pytest.fixture(scope="session")
def subject(model: FaceModel) -> Subject:
    """The astronaut at 208 px with the stand-in laid over her."""
    face = portrait(standin.photograph(), standin.landmarks(), 208)
    return prepare(model, face.image, face.landmarks)


@dataclass(frozen=True)
class Collection:
    """A folder of photographs and its landmark table."""

    photos: Path
    landmarks: Path


BLENDSHAPES = (
    "_neutral", "jawOpen", "mouthSmileLeft", "mouthSmileRight", "eyeBlinkLeft", "eyeBlinkRight",
)  # fmt: skip


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Three usable photographs of three people, a smiling one, a file that is no image, and one
    whose landmarks are noise."""
    folder = tmp_path_factory.mktemp("photos")
    photo, points = standin.photograph(), standin.landmarks()
    smile = points.copy()
    smile[[61, 291]] += [[-4, -4], [4, -4]]
    noise = np.random.default_rng(0).normal(0, 25, points.shape)
    rows = {
        "own/neutral/ann.png": (photo, points, 0.0),
        "own/smiling/ann.png": (photo, smile, 0.9),
        "own/bea.png": (photo[:, :, ::-1], points, 0.0),
        "own/eve.png": (255 - photo, points, 0.0),
        "own/broken.png": (None, points, 0.0),
        "own/noise.png": (photo, points + noise, 0.0),
        "other/cay.png": (photo, points, 0.0),
    }
    scores = np.zeros((len(rows), len(BLENDSHAPES)), np.uint8)
    for row, (path, (image, _, smiling)) in enumerate(rows.items()):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if image is None:
            file.write_bytes(b"no image")
        else:
            cv2.imwrite(str(file), np.ascontiguousarray(image[:, :, ::-1]))
        scores[row, 2:4] = round(255 * smiling)
    table = folder / "landmarks.npz"
    np.savez(
        table,
        paths=np.array(list(rows)),
        points_x16=np.round(np.stack([p for _, p, _ in rows.values()]) * 16).astype(np.int32),
        blendshapes=scores,
        blendshape_names=np.array(BLENDSHAPES),
        pose_deg=np.zeros((len(rows), 3), np.float16),
    )
    return Collection(folder, table)
