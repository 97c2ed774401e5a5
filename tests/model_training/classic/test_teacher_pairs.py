"""Real pairs from photographs and what `photo` made of them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.faces.alignment import Image
from model_training.classic.pair_sets import open_pair_store
from model_training.classic.teacher_pairs import photographs, write_teacher_pairs
from model_training.errors import InputError
from model_training.portraits.image_sets import EmptyImageSetError, FaceImage
from model_training.portraits.locate import Eyes
from model_training.portraits.split import hashed_into_validation
from tests.model_training.command_line import invoke


@dataclass
class Read:
    score: float
    lip_gap: float


class Fixed:
    """Finds the eyes at one place."""

    name = "fixed"

    def eyes(self, image: FaceImage, pixels: Image) -> Eyes | None:
        del pixels
        if image.person == "nobody":
            return None
        return np.array([80.0, 100.0]), np.array([120.0, 100.0])


def read(crop: Image) -> Read:
    """As expressive as the picture is bright; open where it is red."""
    red, _, blue = (float(v) for v in crop.mean((0, 1)))
    return Read(score=blue / 25.5, lip_gap=max(0.0, red - blue) / 255)


def save(file: Path, level: int, red: int | None = None) -> None:
    picture = np.full((240, 240, 3), level, np.uint8)
    picture[..., 2] = level if red is None else red
    assert cv2.imwrite(str(file), picture)


def test_calm_results_become_pairs_and_the_others_do_not(tmp_path: Path) -> None:
    photographs, results = tmp_path / "in", tmp_path / "out"
    photographs.mkdir()
    results.mkdir()
    shown = {  # before, after, red of after
        "calmed": (150, 50, None),
        "calm": (60, 20, None),
        "unchanged": (84, 76, None),
        "loud": (200, 120, None),
        "open": (150, 50, 120),
        "nobody": (150, 50, None),
    }
    images = []
    for person, (before, after, red) in shown.items():
        save(photographs / f"{person}.jpg", before)
        save(results / f"{person}.jpg.png", after, red)
        images.append(FaceImage(photographs / f"{person}.jpg", f"lfw/{person}.jpg", person))
    save(photographs / "missing.jpg", 150)
    images.append(FaceImage(photographs / "missing.jpg", "lfw/missing.jpg", "missing"))

    out = tmp_path / "pairs"
    assert write_teacher_pairs(images, results, read, Fixed(), 112, out) == 2
    with (out / "labels.csv").open(newline="") as handle:
        assert [row["person"] for row in csv.DictReader(handle)] == ["calmed", "calm"]
    pairs = open_pair_store(out)
    assert pairs.images.shape == (4, 112, 112, 3)
    assert abs(float(pairs.images[pairs.source[0]].mean()) - 150) < 2
    assert abs(float(pairs.images[pairs.target[0]].mean()) - 50) < 2
    # What was calm is its own target, whatever became of it.
    assert np.array_equal(pairs.images[pairs.source[1]], pairs.images[pairs.target[1]])
    assert pairs.datasets == {"lfw"}
    assert pairs.valid is not None
    inside = np.unpackbits(pairs.valid[0]).reshape(112, 112)
    # The eyes are 40 px apart, so the crop is 148 px wide and begins at (26, 35) of 200.
    assert inside.all()


def test_a_result_of_another_size_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "ann.jpg", 150)
    small = np.full((100, 100, 3), 50, np.uint8)
    assert cv2.imwrite(str(tmp_path / "ann.jpg.png"), small)
    images = [FaceImage(tmp_path / "ann.jpg", "images/ann.jpg", "ann")]
    with pytest.raises(InputError, match="not of one size"):
        write_teacher_pairs(images, tmp_path, read, Fixed(), 112, tmp_path / "pairs")


def test_validation_people_are_left_out(tmp_path: Path) -> None:
    names = [f"Person_{k}" for k in range(40)]
    for name in names:
        save(tmp_path / f"{name}_0001.jpg", 100)
    found = photographs(tmp_path, "lfw")
    assert {image.person for image in found} == {n for n in names if not hashed_into_validation(n)}
    assert len(found) < len(names)
    first = found[0]
    assert first.key == f"lfw/{first.person}/{first.person}_0001.jpg"
    assert photographs(tmp_path, "images")[0].key.startswith("images/")
    with pytest.raises(EmptyImageSetError, match="no photograph"):
        photographs(tmp_path / "none", "lfw")


def test_the_command_reads_with_the_real_meter(tmp_path: Path) -> None:
    photos, results = tmp_path / "in", tmp_path / "out"
    photos.mkdir()
    results.mkdir()
    save(photos / "Ann_Lee_0001.jpg", 100)
    save(results / "Ann_Lee_0001.jpg.png", 100)
    folders = {"--photos": photos, "--results": results, "--out": tmp_path / "pairs"}
    options = [part for name, folder in folders.items() for part in (name, str(folder))]
    done = invoke(["prepare-classic", *options])
    assert done.exit_code == 0, done.output
    assert "wrote 0 pairs of 1 photographs" in done.output
