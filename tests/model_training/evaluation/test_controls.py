"""The controls on measured rows: what every evaluation must find, and that a broken one is seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from model_training.evaluation.control_check import broken_controls
from model_training.evaluation.results import evaluate_rows
from model_training.evaluation.rows import (
    CLASSIC_VIEW,
    MEAN_FACE,
    NO_OP,
    TO_PHOTOGRAPH,
    TRUE_NEUTRAL,
    Row,
)


@pytest.fixture(scope="module")
def document(london_rows: list[Row]) -> dict[str, Any]:
    return evaluate_rows(london_rows, NO_OP, "london-validation", resamples=200)


def value(document: dict[str, Any], system: str, metric: str) -> float:
    return document["systems"][system]["recognisers"]["dlib"][metric]["value"]


def test_no_op_removes_nothing_and_is_the_input(document: dict[str, Any]) -> None:
    assert value(document, NO_OP, "removed all") == 0
    assert value(document, NO_OP, "removed top 10 %") == 0
    assert value(document, NO_OP, "neutralized") == 0
    assert value(document, NO_OP, "verified") == 1


def test_true_neutral_removes_all_and_is_the_truth(document: dict[str, Any]) -> None:
    assert value(document, TRUE_NEUTRAL, "removed all") == 1
    assert value(document, TRUE_NEUTRAL, "to truth") == 0
    assert value(document, TRUE_NEUTRAL, "neutralized") == value(document, TRUE_NEUTRAL, "positive")


def test_mean_face_is_neutral_but_nobody(document: dict[str, Any]) -> None:
    assert value(document, MEAN_FACE, "removed all") >= 0.9
    assert value(document, MEAN_FACE, "verified") <= 0.2
    assert value(document, MEAN_FACE, "sharpness") <= 0.5


def test_strangers_are_far_and_the_same_person_is_near(document: dict[str, Any]) -> None:
    # The recogniser itself: same person under, strangers over dlib's usual 0.6.
    assert value(document, NO_OP, "positive") < 0.35
    assert value(document, NO_OP, "negative") > 0.65


def test_sound_controls_pass(document: dict[str, Any]) -> None:
    assert broken_controls(document) == []


def test_a_measure_that_drifts_is_caught(london_rows: list[Row]) -> None:
    def drifted(row: Row) -> Row:
        if row.system != NO_OP or row.generated is None:
            return row
        better = replace(row.generated, score=row.generated.score - 0.1)
        return replace(row, generated=better)

    found = evaluate_rows([drifted(r) for r in london_rows], NO_OP, "drift", resamples=10)
    assert [line.split(" is ")[0] for line in broken_controls(found)] == ["no-op (dlib): removed"]


def test_a_recogniser_that_knows_everybody_is_caught(london_rows: list[Row]) -> None:
    def fooled(row: Row) -> Row:
        d = row.distances["dlib"]
        return replace(row, distances={"dlib": replace(d, neutralized=d.neutralized / 10)})

    found = evaluate_rows([fooled(r) for r in london_rows], NO_OP, "fooled", resamples=10)
    assert any("mean neutral face (dlib): verified" in line for line in broken_controls(found))


def test_a_missing_control_is_caught(london_rows: list[Row]) -> None:
    rows = [row for row in london_rows if row.system != MEAN_FACE]
    found = evaluate_rows(rows, NO_OP, "missing", resamples=10)
    assert broken_controls(found) == ["mean neutral face is missing"]


def in_crops(rows: list[Row], drift: float = 0.0) -> dict[str, Any]:
    """The rows as if seen in crops: beside photographs nothing is at 0, and there is the view."""

    def beside(row: Row) -> Row:
        d = row.distances["dlib"]
        away = replace(d, neutralized=d.neutralized + 0.2, truth=0.2)
        return replace(row, distances={"dlib": d, f"dlib{TO_PHOTOGRAPH}": away})

    seen = [beside(row) for row in rows]
    for row in [row for row in seen if row.system == NO_OP]:
        assert row.generated is not None
        moved = replace(row.generated, score=row.generated.score - drift)
        seen.append(replace(row, system=CLASSIC_VIEW, generated=moved))
    return evaluate_rows(seen, NO_OP, "crops", {"view": "crop112grey"}, resamples=10)


def test_classic_s_view_removes_nothing(london_rows: list[Row]) -> None:
    assert broken_controls(in_crops(london_rows)) == []
    drifted = broken_controls(in_crops(london_rows, drift=0.2))
    assert [line.split(" is ")[0] for line in drifted] == ["classic's view (dlib): removed"]


def test_classic_s_view_is_missed_in_crops_alone(london_rows: list[Row]) -> None:
    crops = {"view": "crop112grey"}
    found = evaluate_rows(london_rows, NO_OP, "crops", crops, resamples=10)
    assert broken_controls(found) == ["classic's view is missing"]


def test_change_outside_the_mask_is_caught(london_rows: list[Row]) -> None:
    first = next(k for k, row in enumerate(london_rows) if row.system == MEAN_FACE)
    rows = list(london_rows)
    leaky = replace(rows[first].picture, outside_max=3, outside_count=1)
    rows[first] = replace(rows[first], picture=leaky)
    found = evaluate_rows(rows, NO_OP, "leak", resamples=10)
    assert [line.split(" is ")[0] for line in broken_controls(found)] == [
        "mean neutral face (dlib): change outside the mask"
    ]


def test_the_same_rows_give_the_same_document(london_rows: list[Row]) -> None:
    once = evaluate_rows(london_rows, NO_OP, "again", resamples=30)
    assert once == evaluate_rows(london_rows, NO_OP, "again", resamples=30)


def test_rows_survive_json(london_rows: list[Row]) -> None:
    assert [Row.from_json(row.to_json()) for row in london_rows] == london_rows
