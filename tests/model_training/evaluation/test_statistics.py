"""Tables 1 and 2 against values worked out by hand, and the bootstrap's own properties."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from model_training.evaluation.rows import Row
from model_training.evaluation.slices import measured_labels, slices, worst
from model_training.evaluation.statistics import (
    Columns,
    action_unit_summary,
    intervals,
    per_blendshape,
    removed,
    summary,
)
from tests.model_training.evaluation.made_rows import made_row

FOUR = [
    made_row("a", 6.0, 2.0, 1.0, positive=0.1, neutralized=0.2, negative=0.9),
    made_row("b", 4.0, 2.0, 2.0, positive=0.3, neutralized=0.6, negative=0.7),
    made_row("c", 5.0, 1.5, 1.0, positive=0.2, neutralized=0.4, negative=0.3),
    made_row("d", 3.0, 2.5, 2.0, positive=0.2, neutralized=0.1, negative=0.9),
]


def numbers(rows: list[Row]) -> dict[str, float]:
    return summary(Columns.of(rows, "dlib"))


def test_table_1_is_the_ratio_of_means_and_top_groups_are_the_most_expressive() -> None:
    found = numbers(FOUR)
    assert found["e all"] == pytest.approx(4.5)
    assert found["g all"] == pytest.approx(2.0)
    assert found["n all"] == pytest.approx(1.5)
    assert found["removed all"] == pytest.approx(2.5 / 3.0)
    # A quarter of four cases, and a tenth rounded up: the single most expressive one.
    assert found["e top 25 %"] == found["e top 10 %"] == 6.0
    assert found["removed top 25 %"] == pytest.approx(4.0 / 5.0)


def test_table_2_threshold_is_midway_and_verification_is_strict() -> None:
    found = numbers(FOUR)
    assert found["positive"] == pytest.approx(0.2)
    assert found["negative"] == pytest.approx(0.7)
    assert found["threshold"] == pytest.approx(0.45)
    assert found["verified"] == pytest.approx(3 / 4)
    assert found["1:2"] == pytest.approx(3 / 4)  # c is nearer to the stranger


def test_a_lost_face_is_not_verified_and_does_not_flatter_the_means() -> None:
    found = numbers([*FOUR, made_row("e", 5.0, None, 1.0, neutralized=0.0)])
    assert found["lost faces"] == 1
    assert found["verified"] == pytest.approx(3 / 5)
    assert found["1:2"] == pytest.approx(3 / 5)
    assert found["removed all"] == pytest.approx(2.5 / 3.0)


def test_without_truth_or_stranger_only_what_needs_them_is_missing() -> None:
    found = numbers([made_row("a", 6.0, 2.0, None, positive=None, negative=None)])
    assert math.isnan(found["removed all"])
    assert math.isnan(found["threshold"])
    assert math.isnan(found["verified"])
    assert math.isnan(found["1:2"])
    assert found["neutralized"] == pytest.approx(0.3)
    assert found["g all"] == 2.0


def test_removed_over_nothing_to_remove_is_no_number() -> None:
    assert math.isnan(removed(Columns.of([made_row("a", 2.0, 1.0, 2.0)], "dlib")))


def test_intervals_repeat_exactly_and_contain_the_value() -> None:
    columns, people = Columns.of(FOUR, "dlib"), [row.person for row in FOUR]
    first = intervals(columns, people, 200)
    assert first == intervals(columns, people, 200)
    assert first != intervals(columns, people, 200, seed=1)
    low, high = first["neutralized"]
    assert low < numbers(FOUR)["neutralized"] < high


def test_pictures_of_one_person_are_drawn_together() -> None:
    one = [replace(row, person="same") for row in FOUR]
    found = intervals(Columns.of(one, "dlib"), ["same"] * 4, 50)
    # With one person every resample is the sample itself.
    assert found["e all"] == (4.5, 4.5)


def test_interval_width_agrees_with_the_normal_approximation() -> None:
    generator = np.random.default_rng(5)
    rows = [made_row(str(k), float(v), 1.0, 1.0) for k, v in enumerate(generator.normal(5, 1, 200))]
    low, high = intervals(Columns.of(rows, "dlib"), [r.person for r in rows], 600)["e all"]
    spread = np.std([r.expressive.score for r in rows]) / np.sqrt(200)
    assert high - low == pytest.approx(2 * 1.96 * spread, rel=0.15)


def test_blendshape_errors_are_means_largest_first() -> None:
    other = replace(FOUR[0], blendshape_error={"jawOpen": 0.7})
    found = per_blendshape([FOUR[0], other])
    assert list(found) == ["jawOpen", "mouthSmileLeft"]
    assert found["jawOpen"] == pytest.approx(0.4)
    assert found["mouthSmileLeft"] == pytest.approx(0.3)


def test_action_units_give_their_own_table_1_only_when_all_rows_have_them() -> None:
    units = {"expressive": 10.0, "neutral": 2.0, "generated": 4.0}
    with_units = [replace(row, action_units=units) for row in FOUR]
    found = action_unit_summary(with_units, [row.person for row in FOUR])
    assert found["removed all"]["value"] == pytest.approx(6 / 8)
    assert "verified" not in found
    assert action_unit_summary([*with_units[:3], FOUR[3]], ["a", "b", "c", "d"]) == {}


def test_slices_use_the_threshold_of_all_and_small_ones_are_never_the_worst() -> None:
    rows = [
        made_row(
            str(k), 4.0, 2.0 if k < 6 else 4.0, 1.0, labels={"age": "young" if k < 6 else "old"}
        )
        for k in range(12)
    ] + [made_row("x", 4.0, 5.0, 1.0, labels={"age": "ancient"}, neutralized=0.9)]
    found = {s.value: s for s in slices(rows, "dlib")}
    assert found["young"].removed == pytest.approx(2 / 3)
    assert found["old"].removed == pytest.approx(0.0)
    assert found["ancient"].verified == 0.0
    assert worst(list(found.values()))["removed"].value == "old"
    assert slices([made_row("a", 4.0, 2.0, 1.0, labels={"sex": "female"})], "dlib") == []


@pytest.mark.parametrize(
    ("pose", "apart", "labels"),
    [
        ((3.0, -7.9, 40.0), 39.9, ("within 8°", "under 40 px")),
        ((-9.0, 0.0, 0.0), 40.0, ("8-16°", "40-79 px")),
        ((0.0, 16.0, 0.0), 200.0, ("over 16°", "160 px and more")),
    ],
)
def test_measured_labels(
    pose: tuple[float, float, float], apart: float, labels: tuple[str, str]
) -> None:
    found = measured_labels(pose, apart)
    assert (found["pose"], found["eye distance"]) == labels
