"""CK+ in miniature, through to cached crops and pairs; the split by person."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from app.faces.alignment import EYE_MIDPOINT, INTER_OCULAR
from app.faces.detector import FaceDetector
from model_training.classic.pair_sets import pairs_in_cache
from model_training.portraits import image_sets
from model_training.portraits.ckplus import (
    ck_plus_images,
    ck_plus_pairs,
    ck_plus_sequences,
    read_emotion,
)
from model_training.portraits.crops import CropCache, build_crops
from model_training.portraits.image_sets import EmptyImageSetError, FaceImage
from model_training.portraits.landmarks import LandmarkTable
from model_training.portraits.locate import DetectorLocator, FirstOf, LandmarkLocator
from model_training.portraits.split import (
    hashed_into_validation,
    london_validation_ids,
    person_of,
    validation_mask,
)
from tests.model_training.drawn_faces import draw_face, make_ck_plus, save, save_landmarks


@pytest.fixture
def locator(tmp_path: Path) -> LandmarkLocator:
    keys = make_ck_plus(tmp_path / "ck")
    return LandmarkLocator(LandmarkTable.load(save_landmarks(keys, tmp_path / "l.npz")))


def test_sequences_pairs_and_emotions(tmp_path: Path) -> None:
    make_ck_plus(tmp_path, subjects=3, frames=4)
    sequences = ck_plus_sequences(tmp_path)
    assert [s.subject for s in sequences] == ["S001", "S002", "S003"]
    assert [s.emotion for s in sequences] == ["happy", None, "happy"]
    pairs = ck_plus_pairs(tmp_path)
    assert len(pairs) == 12
    assert all(target.key.endswith("_00000001.png") for _, target in pairs)
    assert all(source.person == target.person for source, target in pairs)
    assert pairs[0][0] == pairs[0][1]


def test_foreign_folders_and_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EmptyImageSetError, match="cohn-kanade-images"):
        ck_plus_sequences(tmp_path)
    for text in ("", "eight", "8.0"):
        (tmp_path / "x_emotion.txt").write_text(text)
        with pytest.raises(ValueError, match="x_emotion"):
            read_emotion(tmp_path / "x_emotion.txt")


def test_crops_follow_the_contract_and_colour_is_dropped(
    tmp_path: Path, locator: LandmarkLocator
) -> None:
    cache = build_crops(ck_plus_images(tmp_path / "ck"), locator, 64, tmp_path / "crops")
    assert cache.crops.shape == (18, 64, 64, 3)
    assert cache.people[:3] == ("S001",) * 3
    in_colour = cache.crops[cache.people.index("S006")]
    assert np.array_equal(in_colour[..., 0], in_colour[..., 2])
    # The pupil, drawn dark, lies where the contract puts the right eye.
    x = (EYE_MIDPOINT[0] - INTER_OCULAR / 2) * 64
    y = EYE_MIDPOINT[1] * 64
    around = cv2.cvtColor(cache.crops[0], cv2.COLOR_RGB2GRAY)[int(y) - 3 : int(y) + 4]
    assert abs(float(np.argmin(around.min(0)[:32])) - x) <= 1.5


def test_cache_is_reused_until_its_images_change(tmp_path: Path, locator: LandmarkLocator) -> None:
    images = ck_plus_images(tmp_path / "ck")
    build_crops(images, locator, 32, tmp_path / "crops")
    before = (tmp_path / "crops" / "crops.npy").stat().st_mtime_ns
    build_crops(images, locator, 32, tmp_path / "crops")
    assert (tmp_path / "crops" / "crops.npy").stat().st_mtime_ns == before
    assert len(build_crops(images[:4], locator, 32, tmp_path / "crops")) == 4
    (tmp_path / "crops" / "cache.json").unlink()  # broken off before the end
    with pytest.raises(FileNotFoundError):
        CropCache.open(tmp_path / "crops")


def test_unusable_images_are_listed_and_pairs_need_both_faces(
    tmp_path: Path, locator: LandmarkLocator
) -> None:
    pairs = ck_plus_pairs(tmp_path / "ck")
    images = ck_plus_images(tmp_path / "ck")
    images[1].file.write_bytes(b"no image")
    unknown = FaceImage(images[2].file, "ck_plus/unknown.png", "S999")
    cache = build_crops([*images, unknown], locator, 32, tmp_path / "crops")
    assert len(cache) == 17
    skipped = (tmp_path / "crops" / "skipped.csv").read_text().splitlines()
    assert skipped[1:] == [f"{images[1].key},not a readable image", f"{unknown.key},no face found"]
    found = pairs_in_cache(cache, pairs)
    assert len(found) == 17
    assert np.array_equal(cache.crops[found.target[1]], cache.crops[0])
    assert 0 < found.held_out.sum() < len(found)
    with pytest.raises(ValueError, match="usable face"):
        build_crops([unknown], locator, 32, tmp_path / "none")


def test_locators_ask_one_another(tmp_path: Path, locator: LandmarkLocator) -> None:
    detector = DetectorLocator(FaceDetector())
    both = FirstOf(locator, detector)
    assert both.name == "landmarks+yunet"
    image = ck_plus_images(tmp_path / "ck")[0]
    blank = np.full((120, 120, 3), 128, np.uint8)
    found = both.eyes(image, blank)
    assert found is not None
    assert found[0].tolist() == [70.0, 80.0]
    stranger = FaceImage(image.file, "images/x.png", "x")
    assert both.eyes(stranger, blank) is None


def test_folders_of_public_sets(tmp_path: Path) -> None:
    for name in ("Ann_Lee/Ann_Lee_0001.jpg", "Ann_Lee/Ann_Lee_0002.jpg", "Bo_Li/Bo_Li_0001.jpg"):
        save(draw_face(1, 0), tmp_path / "lfw" / name)
    for person in range(1, 11):
        for kind in ("neutral", "smiling"):
            save(draw_face(person, 0), tmp_path / "london" / kind / f"{person:03d}.jpg")
    save(draw_face(1, 0), tmp_path / "any" / "loose.png")
    save(draw_face(1, 0), tmp_path / "any" / "cara" / "deep" / "1.png")
    lfw = image_sets.lfw_images(tmp_path / "lfw")
    assert [i.person for i in lfw] == ["Ann_Lee", "Ann_Lee", "Bo_Li"]
    assert lfw[0].key == "lfw/Ann_Lee/Ann_Lee_0001.jpg"
    london = image_sets.london_images(tmp_path / "london")
    marked = image_sets.in_validation(london)
    assert {i.person for i, m in zip(london, marked, strict=True) if m} == {"001", "006"}
    assert {i.person for i in image_sets.folder_images(tmp_path / "any")} == {"loose", "cara"}
    with pytest.raises(EmptyImageSetError, match="NAME"):
        image_sets.fairface_images(tmp_path / "lfw")


def test_every_fifth_london_person() -> None:
    ids = [f"{i:03d}" for i in range(1, 12)]
    assert london_validation_ids([*reversed(ids), *ids]) == {"001", "006", "011"}


def test_both_pictures_of_a_person_fall_on_the_same_side() -> None:
    paths = [f"london/{kind}/{i:03d}.jpg" for kind in ("neutral", "smiling") for i in range(1, 8)]
    mask = validation_mask(paths)
    assert mask[:7] == mask[7:]
    assert mask[:7] == [True, False, False, False, False, True, False]


def test_others_by_hash_of_the_person() -> None:
    names = [f"person-{i}" for i in range(2000)]
    share = sum(map(hashed_into_validation, names)) / len(names)
    assert 0.045 < share < 0.08
    assert person_of("lfw/Ann_Lee/Ann_Lee_0003.jpg") == "Ann_Lee"
    chosen = next(n for n in names if hashed_into_validation(n))
    assert validation_mask([f"fairface/{chosen}.jpg", f"lfw/{chosen}/{chosen}_0002.jpg"]) == [
        True,
        True,
    ]
