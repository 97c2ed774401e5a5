"""Two versions' outputs side by side: drawn through real graphs, filled in, and counted."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.faces.detector import FaceDetector
from model_training.evaluation.cache import Cache
from model_training.evaluation.cases import ArrayPicture, Case, Dataset
from model_training.evaluation.grading.beside import (
    beside_table,
    draw_beside,
    sign_test,
    write_beside,
)
from model_training.evaluation.grading.grades import GradesError
from model_training.evaluation.systems import FusedModel
from model_training.evaluation.views import EyeFinder
from tests.app.toy_graph import write_models

Image = NDArray[np.uint8]
SIZE = 96


@pytest.fixture
def both(tmp_path: Path) -> tuple[FusedModel, FusedModel]:
    models = write_models(tmp_path / "models")
    return FusedModel(models, "photo"), FusedModel(models, "photo", strength=0.5)


@pytest.fixture
def finder(tmp_path: Path) -> EyeFinder:
    return EyeFinder(FaceDetector(), Cache(tmp_path / "cache"))


def faces(name: str, count: int, photo: Image) -> Dataset:
    picture = ArrayPicture(photo[None], (0,), "light")
    return Dataset(name, [Case(f"{name}{k}", f"{name}{k}", picture) for k in range(count)], ())


def test_each_row_has_the_input_and_both_outputs_in_the_order_of_the_key(
    both: tuple[FusedModel, FusedModel], finder: EyeFinder, astronaut: Image, tmp_path: Path
) -> None:
    sets = [faces("studio", 3, astronaut), faces("wild", 9, astronaut)]
    found = draw_beside(sets, both, finder, 8, 2, SIZE)
    assert sorted(item.dataset for item, _, _ in found) == ["studio"] * 3 + ["wild"] * 5
    assert {first for _, first, _ in found} == {0, 1}
    shown = {first: row for _, first, row in found}
    assert shown[0].shape == (SIZE, 3 * SIZE, 3)
    own, left, right = np.split(shown[0], 3, axis=1)
    assert np.array_equal(shown[1], np.hstack([own, right, left]))
    changed = [np.abs(part.astype(int) - own).mean() for part in (left, right)]
    assert changed[0] > changed[1] > 0, "half the strength changes less"

    out, key = tmp_path / "sheets", tmp_path / "key.csv"
    assert [page.name for page in write_beside(found, out, key)] == ["page-01.jpg"]
    with key.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["first"]) for row in rows] == [first for _, first, _ in found]
    assert (out / "grades.csv").read_text().splitlines()[:2] == ["number,better", "1,"]
    with pytest.raises(ValueError, match="another folder"):
        write_beside(found, out, key)


def test_equal_outputs_are_not_compared(
    both: tuple[FusedModel, FusedModel], finder: EyeFinder, astronaut: Image
) -> None:
    with pytest.raises(ValueError, match="differ"):
        draw_beside([faces("a", 2, astronaut)], (both[0], both[0]), finder, 2, 0, SIZE)


def test_wins_are_counted_for_whom_the_key_says(tmp_path: Path) -> None:
    key, grades = tmp_path / "key.csv", tmp_path / "grades.csv"
    key.write_text("number,set,case,first\n1,a,x,0\n2,a,y,1\n3,b,z,1\n4,b,w,0\n")
    grades.write_text("number,better\n1,1\n2,1\n3,=\n4,\n")
    heading, lines = beside_table(key, grades)
    assert heading[2:5] == ["models-dir better", "rival better", "neither"]
    assert [line[:5] for line in lines] == [
        ["a", "2", "1", "1", "0"],
        ["b", "1", "0", "0", "1"],
        ["together", "3", "1", "1", "1"],
    ]
    grades.write_text("number,better\n1,3\n")
    with pytest.raises(GradesError, match="number 1"):
        beside_table(key, grades)
    grades.write_text("number,better\n1,\n")
    with pytest.raises(GradesError, match="filled in"):
        beside_table(key, grades)


def test_chance_by_hand() -> None:
    assert sign_test(0, 0) == 1
    assert sign_test(5, 5) == 1
    assert sign_test(0, 5) == pytest.approx(2 / 32)
    assert sign_test(9, 1) == pytest.approx(22 / 1024)
