"""The measuring commands, on made-up readings and pictures with known answers."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from model_training.portraits.landmarks import OUTLINE
from model_training.synthesis.actions import ACTION_UNITS
from model_training.synthesis.benchmark import measure
from model_training.synthesis.check import LID_UNITS, PairReading, far_change, lids, summary
from model_training.synthesis.config import BenchmarkConfig
from model_training.synthesis.realism import SIDE, Mouths, accuracy, lower_face
from model_training.synthesis.sheet import captioned, grid
from tests.model_training.command_line import invoke
from tests.model_training.synthesis.conftest import Collection


def test_summary_rewards_labels_that_are_in_the_picture() -> None:
    rng = np.random.default_rng(0)
    readings: list[tuple[dict[str, str], PairReading | None]] = []
    for _ in range(60):
        units = {unit: float(rng.uniform(0, 1)) for unit in ACTION_UNITS}
        changes = {
            "lip_gap": units["AU26"] + units["AU27"],
            "mouth_width": float(rng.uniform(0, 1)),  # nothing to do with the label
            "eye_opening": -units["AU43"],
            "brow_height": units["AU1"] + units["AU2"] - units["AU4"],
        }
        label = {unit: str(value) for unit, value in units.items()}
        readings.append((label, PairReading(True, 0.3, changes, 0.0)))
    readings[0] = (readings[0][0], None)
    readings[1] = (readings[1][0], PairReading(False, 0.9, readings[1][1].changes, 40.0))  # type: ignore[union-attr]
    found = summary(readings)
    assert found["jaw (AU26 + AU27) with lip gap, r"] == pytest.approx(1)
    assert found["blink (AU43) with eye closing, r"] == pytest.approx(1)
    assert found["brows (AU1 + AU2 - AU4) with brow height, r"] == pytest.approx(1)
    assert abs(found["smile (AU12) with mouth width, r"]) < 0.4
    assert found["both members with landmarks"] == pytest.approx(59 / 60)
    assert found["both members detected"] == pytest.approx(58 / 59)
    assert found["same person (dlib distance < 0.6)"] == pytest.approx(58 / 59)
    assert found["unchanged far from the face (<= 1 level)"] == pytest.approx(58 / 59)


def test_lids_are_moved_by_several_labels() -> None:
    rng = np.random.default_rng(1)

    def pairs(shares: tuple[float, ...]) -> list[tuple[dict[str, str], PairReading]]:
        drawn = rng.uniform(0, 1, (80, len(LID_UNITS)))
        return [
            (
                {unit: str(value) for unit, value in zip(LID_UNITS, row, strict=True)},
                PairReading(True, 0.3, {"eye_opening": float(-row @ np.array(shares))}, 0.0),
            )
            for row in drawn
        ]

    assert lids(pairs((1.0, -0.3, 0.2, 0.4))) == pytest.approx(1)
    strangers = pairs((1.0, 0, 0, 0))
    mixed = [(label, other[1]) for (label, _), other in zip(strangers, strangers[7:], strict=False)]
    assert abs(lids(mixed)) < 0.4, "labels of other pairs say nothing"


def test_far_change_looks_only_far_from_the_face() -> None:
    points = np.zeros((478, 2))
    turn = np.linspace(0, 2 * np.pi, len(OUTLINE))
    points[list(OUTLINE)] = 100 + 30 * np.column_stack([np.cos(turn), np.sin(turn)])
    both = np.zeros((2, 200, 200, 3), np.uint8)
    both[1, 90:110, 90:110] = 200
    assert far_change(both, [points, points], 40.0) == 0
    both[1, 5, 5] = 9
    assert far_change(both, [points, points], 40.0) == 9
    assert np.isnan(far_change(both, [points, points], 400.0))


@pytest.mark.slow
def test_classifier_tells_what_differs_and_not_what_does_not() -> None:
    rng = np.random.default_rng(0)

    def mouths(shift: int) -> Mouths:
        images = rng.integers(80, 120, (120, SIDE, SIDE, 3)).astype(np.uint8)
        images[:, 20:40, 20:40, 0] += np.uint8(shift)
        return Mouths(images, [f"person {k}" for k in range(120)])

    assert accuracy(mouths(0), mouths(90), epochs=6) > 0.9
    assert 0.25 < accuracy(mouths(0), mouths(0), epochs=2) < 0.75


def test_lower_face_is_the_mouth_of_a_contract_crop() -> None:
    crop = np.zeros((256, 256, 3), np.uint8)
    crop[165:200, 100:156] = 255  # where the mouth is, with eyes at 0.44 and 0.27 apart
    seen = lower_face(crop)
    assert seen.shape == (SIDE, SIDE, 3)
    assert seen[20:44, 24:40].mean() > 200
    assert seen[:, :4].mean() < 5


def test_sheets_keep_every_tile() -> None:
    tiles = [np.full((10, 12, 3), value, np.uint8) for value in (10, 20, 30)]
    sheet = grid(tiles, 2)
    assert sheet.shape == (20, 24, 3)
    assert sheet[15, 3, 0] == 30
    assert sheet[15, 20, 0] == 255
    assert captioned(tiles[0], "smile").shape == (28, 12, 3)


def test_benchmark_counts_what_it_rendered(collection: Collection, face_model_file: Path) -> None:
    config = BenchmarkConfig(
        collection.photos, collection.landmarks, face_model_file,
        exclude=("other",), pairs=10, size=64,
    )  # fmt: skip
    found = measure(config)
    assert found.pairs == 10
    assert 0 < found.cpu_s < 60
    assert found.wall_s > 0
    assert len(found.memory_mib) == 11
    assert min(found.memory_mib) > 10


def test_expression_sheet_command(
    collection: Collection, face_model_file: Path, tmp_path: Path
) -> None:
    arguments = [
        "expression-sheet", "--photos", str(collection.photos), "--landmarks",
        str(collection.landmarks), "--face-model", str(face_model_file), "--out",
        str(tmp_path / "sheet.jpg"), "--size", "96", "--source",
    ]  # fmt: skip
    done = invoke([*arguments, "own/bea.png"])
    assert done.exit_code == 0, done.output
    sheet = cv2.imread(str(tmp_path / "sheet.jpg"))
    assert sheet.shape == (100, 15 * 76, 3)
    assert sheet.std() > 20
    wrong = invoke([*arguments, "own/nobody.png"])
    assert wrong.exit_code == 2
    assert "own/nobody.png" in wrong.output
