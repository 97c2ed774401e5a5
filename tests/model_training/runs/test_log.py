"""The run log: CSV that survives a resume, progress line, curves."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import pytest

from model_training.runs.log import RunLog, format_duration, read_rows


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.4, "59s"), (75, "1m15s"), (3599.7, "1h00m"), (7384, "2h03m")],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_resume_drops_rows_after_the_checkpoint_and_a_line_cut_short(tmp_path: Path) -> None:
    log = RunLog(tmp_path, "stage1", 100, stream=io.StringIO())
    for step in (10, 20, 30):
        log.log(step, loss=1 / step)
    with (tmp_path / "stage1.csv").open("a") as handle:
        handle.write("4")  # killed while writing
    log = RunLog(tmp_path, "stage1", 100, start_step=20, stream=io.StringIO())
    log.log(30, loss=0.5, kl=2.0)

    rows = read_rows(tmp_path / "stage1.csv")
    assert [r["step"] for r in rows] == [10, 20, 30]
    assert rows[0] == {"step": 10, "loss": 0.1}
    assert rows[2] == {"step": 30, "loss": 0.5, "kl": 2.0}


def test_progress_names_rate_and_time_left(tmp_path: Path) -> None:
    stream = io.StringIO()
    log = RunLog(tmp_path, "stage2", 200, start_step=100, images_per_step=32, stream=stream)
    line = log.progress(150, {"loss": 0.25})
    assert line.startswith("stage2 150/200 (75 %) ")
    assert "images/s" in line
    assert line.endswith("left  loss 0.25")
    assert stream.getvalue() == line + "\n"


def test_curves_are_a_picture_and_tensorboard_is_written(tmp_path: Path) -> None:
    with RunLog(tmp_path, "stage1", 3, tensorboard=True, stream=io.StringIO()) as log:
        for step in (1, 2, 3):
            log.log(step, loss=3.0 - step, weight=0.1 * step)
    picture = cv2.imread(str(tmp_path / "stage1.png"))
    assert picture is not None
    assert picture.shape[0] > 200
    assert picture.std() > 5
    assert list((tmp_path / "tensorboard" / "stage1").glob("events*"))
