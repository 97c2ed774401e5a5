"""Lids are drawn over eyes and nothing else; sets and batches say what is shut."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from model_training.photo.eyes.batches import EyeBatches, rendered_eyes, shifted_patches
from model_training.photo.eyes.config import EyeData
from model_training.photo.eyes.eyelids import Lids, close_eye, transplant_lids
from model_training.photo.eyes.geometry import apertures, gaze_offset, shut_labels
from model_training.photo.eyes.prepare import (
    CROP_SIDE,
    HEIGHT,
    MARGIN_X,
    MARGIN_Y,
    WIDTH,
    EyeSetConfig,
    cut_eyes,
    prepare_eyes,
)
from model_training.portraits.split import hashed_into_validation
from tests.model_training.drawn_eyes import draw, make_faces

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("faces")
    make_faces(root)
    return root


@pytest.fixture(scope="module")
def prepared(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("eyes")
    prepare_eyes(EyeSetConfig(faces, faces / "landmarks.npz", out, workers=1))
    return out


def test_a_drawn_lid_hides_the_iris_and_leaves_the_rest() -> None:
    image, points = draw(1, True, True)
    eye = cut_eyes(image, points.astype(np.float32))[0]
    shut, drawn = close_eye(eye.patch, eye.upper, eye.lower, np.random.default_rng(0))
    y, x = (int(v) for v in eye.iris[::-1].round())
    inside = np.s_[y - 3 : y + 1, x - 3 : x + 4]
    skin = eye.patch[y + 22 : y + 30, x - 8 : x + 8].mean()
    assert eye.patch[inside].mean() < 0.5 * skin
    assert shut[inside].mean() > 0.75 * skin
    assert drawn[inside].all()
    assert np.abs(shut[~drawn].astype(int) - eye.patch[~drawn]).max() <= 3
    assert not drawn[-16:].any(), "the cheek is not a lid"
    again, _ = close_eye(eye.patch, eye.upper, eye.lower, np.random.default_rng(0))
    other, _ = close_eye(eye.patch, eye.upper, eye.lower, np.random.default_rng(1))
    assert np.array_equal(shut, again)
    assert not np.array_equal(shut, other)


def test_another_persons_lids_take_the_faces_colour() -> None:
    image, points = draw(1, True, True)
    eye = cut_eyes(image, points.astype(np.float32))[0]
    donor_image, donor_points = draw(5, False, False)
    # The donor stands in blue light, and its eye lies elsewhere.
    blue = np.clip(donor_image * np.array([0.4, 0.6, 1.3]), 0, 255).astype(np.uint8)
    donor = cut_eyes(np.roll(blue, 5, 1), np.add(donor_points, (5, 0)).astype(np.float32))[0]
    lids = Lids(donor.patch, donor.corners)
    shut, laid = transplant_lids(eye.patch, eye.corners, lids, np.random.default_rng(0))
    assert np.array_equal(shut[~laid], eye.patch[~laid])
    y, x = (int(v) for v in eye.iris[::-1].round())
    above = shut[y - 9 : y - 5, x - 4 : x + 5].reshape(-1, 3).mean(0)
    skin = eye.patch[y + 24 : y + 32, x - 8 : x + 8].reshape(-1, 3).mean(0)
    assert np.abs(above - skin).max() < 15, "lid skin, not blue, not the white of the eye"
    line = shut[y - 3 : y + 4, x - 12 : x + 13].min((0, 2))
    assert line.mean() < 0.6 * skin.min(), "the lashes came along"


def test_the_left_eye_comes_mirrored() -> None:
    image, points = draw(2, True, True)
    right, left = cut_eyes(image, points.astype(np.float32))
    assert right.patch.shape == left.patch.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(right.iris - left.iris).max() < 1.5
    assert right.upper[0, 0] < right.upper[-1, 0], "the outer corner lies on the left"
    assert left.upper[0, 0] < left.upper[-1, 0]


def test_apertures_gaze_and_labels() -> None:
    _, points = draw(3, True, False)
    opened, shut = apertures(points.astype(np.float32))
    assert opened > 0.25
    assert shut < 0.05
    assert abs(gaze_offset(points.astype(np.float32))) < 0.01
    looking = points.copy()
    looking[[468, 473], 0] += 6
    assert gaze_offset(looking.astype(np.float32)) == pytest.approx(6 / 44, abs=0.01)
    aperture = np.array([0.03, 0.03, 0.09, 0.3], np.float32)
    blink = np.array([0.7, 0.2, 0.5, 0.1], np.float32)
    assert shut_labels(aperture, blink).tolist() == [1.0, 0.5, 0.5, 0.0]


def test_the_set_has_targets_and_real_shut_eyes_of_training_people(prepared: Path) -> None:
    opened, shut = np.load(prepared / "open.npy"), np.load(prepared / "shut.npy")
    real, label = np.load(prepared / "real.npy"), np.load(prepared / "label.npy")
    training = [p for p in range(12) if not hashed_into_validation(f"train_{p}")]
    assert len(opened) == sum(p % 6 < 4 for p in training)
    assert shut.shape == (len(opened), 2, 3, HEIGHT, WIDTH, 3)
    assert len(real) == sum(p % 6 >= 4 for p in training)
    assert sorted(map(tuple, label.tolist())) == [(1.0, 0.0), (1.0, 0.0), (1.0, 1.0), (1.0, 1.0)]
    assert (np.abs(shut[:, :, 0].astype(int) - opened).max((2, 3, 4)) > 60).all()


def test_a_face_without_open_eyes_is_refused(faces: Path, tmp_path: Path) -> None:
    config = EyeSetConfig(faces, faces / "landmarks.npz", tmp_path, sets=("canada",), workers=1)
    with pytest.raises(ValueError, match="no face of canada"):
        prepare_eyes(config)


def test_batches_depend_on_the_seed_and_label_what_they_show(prepared: Path) -> None:
    data = EyeData(prepared, drawn=6, from_renderer=0, opened=3, real=4)
    batches = EyeBatches(data)
    batch = batches.draw(np.random.default_rng(3))
    again = batches.draw(np.random.default_rng(3))
    assert all(torch.equal(a, b) for a, b in zip(batch, again, strict=True))
    assert batch.own.shape == batch.other.shape == (13, 3, 72, 96)
    assert batch.target.shape == (9, 3, 72, 96)
    assert batch.label.tolist() == [1.0] * 6 + [0.0] * 3 + [1.0, 1.0, 0.0, 0.0]
    change = (batch.own[:9] - batch.target).abs().amax((1, 2, 3))
    assert (change[:6] > 0.2).all()
    assert change[6:].max() < 1e-6, "an open eye is its own target"


def test_without_an_accident_the_network_sees_the_middle_of_a_patch() -> None:
    class Still:
        def normal(self, _mean: float, _deviation: float, size: object) -> np.ndarray:
            return np.zeros(size)

    stored = torch.rand(2, 3, HEIGHT, WIDTH)
    seen = shifted_patches(stored, Still())  # type: ignore[arg-type]
    wanted = stored[:, :, MARGIN_Y:-MARGIN_Y, MARGIN_X:-MARGIN_X]
    assert torch.allclose(seen, wanted, atol=1e-4)


def test_rendered_pairs_are_cut_like_photographs(tmp_path: Path) -> None:
    image, points = draw(4, True, True)
    pairs = np.stack([np.stack([image, image])] * 3)
    np.save(tmp_path / "pairs.npy", pairs)
    with (tmp_path / "labels.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerows([["index", "AU43"], [0, 0.9], [1, 0.5], [2, 0.1]])
    eyes, label = rendered_eyes(tmp_path)
    assert label.tolist() == [1.0, 0.5, 0.0]
    right, left = cut_eyes(image, points.astype(np.float32))
    assert np.abs(eyes[0, 0, 0].astype(int) - right.patch).mean() < 3
    assert np.abs(eyes[0, 1, 1].astype(int) - left.patch).mean() < 3
    np.save(tmp_path / "pairs.npy", pairs[:, :, :256, :256])
    with pytest.raises(ValueError, match=f"{CROP_SIDE} are needed"):
        rendered_eyes(tmp_path)
