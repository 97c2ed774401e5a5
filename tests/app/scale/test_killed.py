"""Runs that are killed in the middle and started again, as users start them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from app.pipeline import Neutralizer
from tests.app.conftest import clean_environment, stoicnet
from tests.app.scale.conftest import RayService, expected, fill, portraits, results
from tests.app.scale.processes import descendants, gone

pytestmark = pytest.mark.slow

IMAGES = 40
PATIENCE_S = 240


@contextmanager
def started(
    source: Path, output: Path, models: Path, *options: str, **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """A batch run, which is gone afterwards."""
    command = stoicnet("batch", str(source), str(output), "--workers", "2", *options)
    process = subprocess.Popen(
        command,
        env=clean_environment(device="cpu", models_dir=str(models)) | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)


def count(output: Path) -> int:
    return sum(1 for _ in output.rglob("*.png"))


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1, err  # some images are bad
    return dict(json.loads(out.splitlines()[-1]))


class Begun:
    """An input of good and bad images, and what runs over it have done so far."""

    def __init__(self, folder: Path, models: Path, astronaut: NDArray[np.uint8]) -> None:
        self.source, self.output, self.models = folder / "in", folder / "out", models
        faces = enumerate(portraits(astronaut, IMAGES))
        self.good = {f"{i % 3}/{i}.jpg": face for i, face in faces}
        fill(self.source, self.good | {"0/bad.jpg": b"broken", "3/bad.jpg": b"broken"})
        self.kept: dict[str, os.stat_result] = {}
        self.orphans: dict[int, str] = {}  # what the run that was killed had started

    def ended_by(self, number: int, *options: str, **variables: str) -> None:
        """Start a run and send it a signal when it has made some results."""
        wanted = len(self.kept) + 6
        with started(self.source, self.output, self.models, *options, **variables) as process:
            until(lambda: count(self.output) >= wanted, process)
            if number == signal.SIGKILL:
                self.orphans = descendants(process.pid)
            else:
                process.send_signal(number)
                out, err = process.communicate(timeout=PATIENCE_S)
                assert (process.returncode, out) == (128 + number, ""), err
                assert "left for the next run" in err
                assert "Traceback" not in err
        self.check()
        assert wanted <= len(self.kept) < IMAGES
        assert not (self.output / "bad-images.parquet").exists()

    def check(self) -> None:
        """Nothing was written again."""
        for name, stat in self.kept.items():
            now = (self.output / name).stat()
            assert (now.st_mtime_ns, now.st_ino) == (stat.st_mtime_ns, stat.st_ino)
        self.kept = {name: (self.output / name).stat() for name in results(self.output)}

    def is_whole(self, neutralizer: Neutralizer, summary: dict[str, Any], before: int) -> None:
        """The last run, which had found so many results, has done all that was left."""
        # Byte for byte what the pipeline makes of each image by itself, and nothing else.
        assert results(self.output) == expected(neutralizer, self.good)
        self.check()
        assert summary["images"] == IMAGES + 2
        assert summary["before"] >= before  # and what was bad and known already
        assert summary["bad"] == 2
        rows = pq.read_table(self.output / "bad-images.parquet").to_pylist()
        assert [(row["key"], row["code"]) for row in rows] == [
            ("0/bad.jpg", "not_an_image"),
            ("3/bad.jpg", "not_an_image"),
        ]
        kept = [p.name for p in (self.output / ".stoicnet").rglob("*") if p.is_file()]
        assert kept == ["run.json"]
        deadline = time.monotonic() + PATIENCE_S
        while not gone(self.orphans):
            assert time.monotonic() < deadline, self.orphans
            time.sleep(0.05)


@pytest.fixture
def begun(tmp_path: Path, toy_models: Path, astronaut: NDArray[np.uint8]) -> Begun:
    return Begun(tmp_path, toy_models, astronaut)


def test_every_image_is_done_exactly_once(begun: Begun, neutralizer: Neutralizer) -> None:
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        begun.ended_by(number)
        drafts = begun.output / ".stoicnet" / "drafts"
        if number != signal.SIGKILL:  # what it was at is finished
            assert not drafts.exists() or not list(drafts.iterdir())
    before = len(begun.kept)
    with started(begun.source, begun.output, begun.models) as process:
        summary = finish(process)
    begun.is_whole(neutralizer, summary, before)


def test_every_image_is_done_exactly_once_on_ray(
    begun: Begun, neutralizer: Neutralizer, ray_service: RayService
) -> None:
    def workers() -> list[int]:
        below = descendants(ray_service.process.pid)
        return [pid for pid, line in below.items() if "ChunkActor" in line]

    # Once with a cluster of the run's own, of which nothing may be left at the end.
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        begun.ended_by(signal.SIGKILL, "--engine", "ray", RAY_TMPDIR=folder)
    options = ("--engine", "ray", "--address", ray_service.address)
    begun.ended_by(signal.SIGTERM, *options)
    before = len(begun.kept)
    with started(begun.source, begun.output, begun.models, *options) as process:
        # And with one of its workers killed on the way.
        until(lambda: count(begun.output) >= before + 2, process)
        os.kill(workers()[0], signal.SIGKILL)
        summary = finish(process)
    begun.is_whole(neutralizer, summary, before)
