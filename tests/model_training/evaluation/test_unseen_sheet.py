"""The published sheet of unseen people: one case each, drawn through the real graph."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from model_training.evaluation.cases import ArrayPicture, Case, Dataset
from model_training.evaluation.report.ranking import ranked
from model_training.evaluation.report.sheets import CAPTION, GAP
from model_training.evaluation.systems import FusedModel
from model_training.evaluation.unseen_sheet import Shown, draw, encode, one_a_person
from tests.app.toy_graph import write_models
from tests.model_training.evaluation.made_rows import made_row

Image = NDArray[np.uint8]
SIZE = 128


def case(name: str, person: str, photo: Image) -> Case:
    return Case(name, person, ArrayPicture(photo[None], (0,), name), labels={"expression": "fear"})


def test_one_case_a_person_and_earlier_sets_first(astronaut: Image) -> None:
    first = Dataset("first", [case("a1", "a", astronaut), case("a2", "a", astronaut)], ())
    second = Dataset("second", [case(f"{p}3", p, astronaut) for p in "abcd"], ())
    chosen = one_a_person([first, second], 3)
    assert [[c.name for c in d.cases] for d in chosen] == [["a1"], ["b3", "c3"]]
    assert [d.name for d in one_a_person([first, second], 1)] == ["first"]


def test_the_sheet_shows_input_and_output_side_by_side(tmp_path: Path, astronaut: Image) -> None:
    system = FusedModel(write_models(tmp_path / "models"), "photo")
    items = ranked([made_row(c, 2.0, 1.0, 0.5) for c in "wxyz"], "dlib", 0.6)
    shown = [Shown(case(i.row.case, i.row.person, astronaut), i) for i in items]
    page = draw(shown, system, tmp_path / "cache", SIZE)
    # Four cases: three on the first line.
    assert page.shape == (2 * (SIZE + CAPTION + GAP) + GAP, 3 * (2 * SIZE + GAP) + GAP, 3)
    top, left = GAP + CAPTION, GAP
    before = page[top : top + SIZE, left : left + SIZE].astype(int)
    after = page[top : top + SIZE, left + SIZE : left + 2 * SIZE].astype(int)
    # The toy graph brightens the lower half of the crop alone.
    middle = slice(SIZE // 3, 2 * SIZE // 3)
    assert np.abs(after - before)[: SIZE // 4, middle].mean() < 1
    assert (after - before)[3 * SIZE // 4 :, middle].mean() > 3
    caption = page[GAP : GAP + CAPTION, left : left + 2 * SIZE]
    assert caption.min() < 100
    decoded = cv2.imdecode(np.frombuffer(encode(page), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == page.shape
    assert np.abs(decoded[..., ::-1].astype(int) - page).mean() < 4


def test_an_empty_sheet_is_refused(tmp_path: Path) -> None:
    system = FusedModel(write_models(tmp_path / "models"), "photo")
    with pytest.raises(ValueError, match="at least one"):
        draw([], system, tmp_path, SIZE)
