"""Grading sheets: drawn through the real graph, filled in, and turned into a table."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.faces.detector import FaceDetector
from model_training.evaluation.cache import Cache
from model_training.evaluation.cases import ArrayPicture, Case, Dataset
from model_training.evaluation.grading import sheets
from model_training.evaluation.grading.grades import (
    COLUMNS,
    TAGS,
    Grade,
    GradesError,
    Shown,
    grade_table,
    read_grades,
    read_key,
    together,
    wilson,
)
from model_training.evaluation.report.sheets import CAPTION, GAP
from model_training.evaluation.rows import NO_OP, TRUE_NEUTRAL
from model_training.evaluation.systems import FusedModel
from model_training.evaluation.views import EyeFinder
from tests.app.toy_graph import write_models
from tests.model_training.command_line import invoke

Image = NDArray[np.uint8]
SIZE = 96


def people(name: str, count: int, photo: Image) -> Dataset:
    dark = (photo * 0.6).astype(np.uint8)
    cases = [
        Case(
            f"{name}{k}",
            f"{name}{k % count}",
            ArrayPicture(photo[None], (0,), "light"),
            ArrayPicture(dark[None], (0,), "dark"),
        )
        for k in range(2 * count)
    ]
    return Dataset(name, cases, ())


@pytest.fixture
def drawn(tmp_path: Path, astronaut: Image) -> list[sheets.Pair]:
    system = FusedModel(write_models(tmp_path / "models"), "photo")
    finder = EyeFinder(FaceDetector(), Cache(tmp_path / "cache"))
    sets = [people("studio", 3, astronaut), people("wild", 9, astronaut)]
    return sheets.draw_pairs(sets, system, finder, 6, 1, 5, SIZE)


def test_small_sets_give_what_they_have_and_the_others_the_rest() -> None:
    assert sheets.shares([15, 100], 96) == [15, 81]
    assert sheets.shares([50, 100, 100], 96) == [32, 32, 32]
    assert sheets.shares([2, 1], 9) == [2, 1]


def test_sets_are_mixed_and_nobody_is_shown_twice(drawn: list[sheets.Pair]) -> None:
    items = [pair.item for pair in drawn]
    assert sorted((i.dataset, i.control) for i in items) == sorted(
        [("studio", ""), ("studio", NO_OP), ("studio", TRUE_NEUTRAL)]
        + [("wild", "")] * 5 + [("wild", NO_OP), ("wild", TRUE_NEUTRAL)]
    )  # fmt: skip
    assert len({i.case.person for i in items}) == len(items)
    order = [i.dataset for i in items]
    assert order != sorted(order)


def test_each_pair_is_input_and_output_or_control(drawn: list[sheets.Pair]) -> None:
    for pair in drawn:
        before, after = pair.strip[:, :SIZE].astype(int), pair.strip[:, SIZE:].astype(int)
        if pair.item.control == NO_OP:
            assert np.array_equal(before, after)
        elif pair.item.control == TRUE_NEUTRAL:
            assert after.mean() == pytest.approx(0.6 * before.mean(), rel=0.05)
        else:
            # The toy graph brightens the lower half of the crop.
            assert (after - before)[-SIZE // 8 :, SIZE // 3 : 2 * SIZE // 3].mean() > 3
            assert np.abs(after - before)[: SIZE // 4].mean() < 1


def test_the_same_seed_gives_the_same_sheet_and_another_another(
    tmp_path: Path, astronaut: Image
) -> None:
    system = FusedModel(write_models(tmp_path / "models"), "photo")
    finder = EyeFinder(FaceDetector(), Cache(tmp_path / "cache"))

    def names(seed: int) -> list[str]:
        found = sheets.draw_pairs([people("wild", 9, astronaut)], system, finder, 6, 0, seed, SIZE)
        return [pair.item.case.name for pair in found]

    assert names(1) == names(1) != names(2)


def test_a_close_up_reaches_from_the_brows_to_the_mouth() -> None:
    picture = np.zeros((400, 400, 3), np.uint8)
    eyes = np.array([[150.0, 150.0], [250.0, 150.0]])
    for x, y in (*eyes, (200, 105), (200, 285)):
        cv2.circle(picture, (int(x), int(y)), 3, (255, 255, 255), -1)
    found = sheets.close_up(picture, eyes, 320)
    for x, y in ((80, 86), (240, 86), (160, 14), (160, 302)):
        assert found[y, x, 0] > 200


def test_pages_numbers_and_key(drawn: list[sheets.Pair], tmp_path: Path) -> None:
    out, key = tmp_path / "sheets", tmp_path / "key.csv"
    pages = sheets.write(drawn * 2, out, key)
    assert [page.name for page in pages] == ["page-01.jpg", "page-02.jpg"]
    page = cv2.imread(str(pages[0]))
    assert page is not None
    assert page.shape == (4 * (SIZE + CAPTION + GAP) + GAP, 3 * (2 * SIZE + GAP) + GAP, 3)
    known = read_key(key)
    assert [known[k + 1].dataset for k in range(len(drawn))] == [p.item.dataset for p in drawn]
    assert read_grades(out / "grades.csv", known) == {}
    assert all("studio" not in path.read_text("latin-1") for path in out.glob("*.csv"))
    with pytest.raises(ValueError, match="already"):
        sheets.write(drawn, out, key)
    with pytest.raises(ValueError, match="must not see"):
        sheets.write(drawn, tmp_path / "more", tmp_path / "more" / "key.csv")


def filled(path: Path, *lines: tuple[object, ...]) -> Path:
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows([COLUMNS, *lines])
    return path


def test_filled_sheets_are_read(tmp_path: Path) -> None:
    path = filled(
        tmp_path / "g.csv",
        (1, 2, 1, 1, ""),
        (2, 0, 2, 0, "Teeth left; mouth open"),
        (3, *4 * ("",)),
    )
    assert read_grades(path, [1, 2, 3]) == {
        1: Grade(2, 1, True, frozenset()),
        2: Grade(0, 2, False, frozenset({"teeth left", "mouth open"})),
    }


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ((7, 2, 2, 1, ""), "line 3: the key has no number 7"),
        ((1, 2, 2, 1, ""), "line 3: number 1 comes twice"),
        ((2, 3, 2, 1, ""), "line 3: neutral is '3', not 0 to 2"),
        ((2, 2, 2, 2, ""), "line 3: accept is '2', not 0 to 1"),
        ((2, 2, "", 1, ""), "line 3: real is '', not 0 to 2"),
        ((2, 2, 2, 1, "tooth"), "line 3: tooth: no tag of teeth left"),
        (("two", 2, 2, 1, ""), "line 3: 'two' is no number"),
        ((2, 2), "line 3: real is '', not 0 to 2"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: tuple[object, ...], why: str) -> None:
    path = filled(tmp_path / "g.csv", (1, 2, 2, 1, ""), line)
    with pytest.raises(GradesError, match=why.replace("(", r"\(")):
        read_grades(path, [1, 2])
    path.write_text("number;neutral\n1;2\n", encoding="utf-8")
    with pytest.raises(GradesError, match="lacks the columns number"):
        read_grades(path, [1, 2])


def test_wilson_s_interval() -> None:
    # 36 of 96, and the limits at which no or every face is accepted.
    assert wilson(36, 96) == pytest.approx((0.2847, 0.4749), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    with pytest.raises(ValueError, match="no share"):
        wilson(0, 0)


def test_the_table_counts_by_set_and_keeps_controls_out_of_the_whole() -> None:
    good, bad = Grade(2, 2, True, frozenset()), Grade(1, 0, False, frozenset({"teeth left"}))
    key = {1: Shown("studio"), 2: Shown("studio"), 3: Shown("wild"), 4: Shown("wild", NO_OP)}
    both = together([{1: good, 2: good, 4: bad}, {2: bad}])
    assert both[2] == Grade(1.5, 1.0, False, frozenset({"teeth left"}))
    heading, lines = grade_table(key, both)
    assert list(heading[5:]) == list(TAGS)
    by_set = {line[0]: line for line in lines}
    assert by_set["studio"][1:6] == ["2 of 2", "50 % [9, 91]", "1.75", "1.50", "50 %"]
    assert by_set["wild"][1:4] == ["0 of 1", "–", "–"]
    assert by_set["wild, no-op"][2].startswith("0 %")
    assert by_set["all outputs"][1:3] == ["2 of 3", "50 % [9, 91]"]
    with pytest.raises(GradesError, match="no line"):
        grade_table(key, {})


def test_the_commands_draw_and_count(tmp_path: Path, astronaut: Image) -> None:
    models = write_models(tmp_path / "models")
    cv2.imwrite(str(tmp_path / "a.png"), astronaut[..., ::-1])
    lines = [("person", "expressive", "neutral")] + [(p, "a.png", "a.png") for p in "abc"]
    with (tmp_path / "faces.csv").open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    options = ["--data", str(tmp_path / "faces.csv"), "--out", str(tmp_path / "sheets")]
    options += ["--models-dir", str(models), "--cache", str(tmp_path / "cache")]
    refused = invoke(["evaluate-grade", *options, "--size", "8"])
    assert refused.exit_code == 2
    done = invoke(["evaluate-grade", *options, "--size", "96"])
    assert done.exit_code == 0, done.output
    assert "3 pairs on 1 pages" in done.output
    grades = filled(tmp_path / "sheets" / "grades.csv", *((k, 2, 2, k % 2, "") for k in (1, 2, 3)))
    count = ["evaluate-grades", "--key", str(tmp_path / "sheets-key.csv"), "--grades", str(grades)]
    table = invoke(count)
    assert table.exit_code == 0, table.output
    assert "| all outputs | 3 of 3 | 67 % [21, 94] | 2.00 | 2.00 | 0 % |" in table.output
    missing = invoke([*count[:2], str(tmp_path / "none.csv"), *count[3:]])
    assert missing.exit_code in (1, 2)
    assert "none.csv" in missing.output
