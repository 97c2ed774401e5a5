"""OpenFace's CSVs, in both spellings it has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model_training.evaluation.openface import OpenFaceError, PictureFolder, action_unit_sum
from model_training.evaluation.rows import TRUE_NEUTRAL
from tests.model_training.evaluation.made_rows import made_row

UNITS = [1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45]


def csv_text(intensity: float, blank: str = "", confidence: float = 0.98) -> str:
    names = [f"AU{u:02d}_r" for u in UNITS] + [f"AU{u:02d}_c" for u in [*UNITS, 28]]
    heading = f",{blank}".join(["face", "confidence", *names])
    values = [str(intensity)] * len(UNITS) + ["1"] * 18
    return f"{heading}\n" + f",{blank}".join(["0", str(confidence), *values]) + "\n"


@pytest.mark.parametrize("blank", ["", " "])
def test_sixteen_intensities_are_summed_without_blinking(tmp_path: Path, blank: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(csv_text(0.5, blank))
    assert action_unit_sum(file) == pytest.approx(16 * 0.5)


def test_the_most_confident_face_counts(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(csv_text(0.1, confidence=0.3) + csv_text(0.2, confidence=0.9).splitlines()[1])
    assert action_unit_sum(file) == pytest.approx(3.2)


def test_csvs_without_faces_or_units_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(csv_text(1.0).splitlines()[0] + "\n")
    with pytest.raises(OpenFaceError, match="no face"):
        action_unit_sum(file)
    file.write_text("face,confidence\n0,0.9\n")
    with pytest.raises(OpenFaceError, match="-aus"):
        action_unit_sum(file)


def test_pictures_go_out_and_sums_come_back(tmp_path: Path) -> None:
    folder = PictureFolder(tmp_path)
    folder.keep("my model", "a", np.zeros((4, 4, 3), np.uint8))
    assert (tmp_path / "pictures" / "my_model" / "a.png").is_file()
    rows = [
        made_row("a", 5.0, 2.0, 1.0, system="my model"),
        made_row("a", 5.0, 1.0, 1.0, system=TRUE_NEUTRAL),
        made_row("b", 5.0, 2.0, 1.0, system="my model"),
    ]
    assert all(row.action_units == {} for row in folder.add_to(rows))
    for kind, intensity in (("expressive", 1.0), ("neutral", 0.25), ("my_model", 0.5)):
        path = tmp_path / "csv" / kind / "a.csv"
        path.parent.mkdir(parents=True)
        path.write_text(csv_text(intensity))
    model, truth, other = folder.add_to(rows)
    assert model.action_units == {"expressive": 16.0, "neutral": 4.0, "generated": 8.0}
    assert truth.action_units["generated"] == 4.0
    assert other.action_units == {}
