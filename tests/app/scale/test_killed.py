"""Runs that are killed in the middle and started again, as users start them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
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
from tests.app.scale.conftest import expected, fill, portraits, results
from tests.app.scale.processes import descendants

IMAGES = 40
PATIENCE_S = 240


@contextmanager
def started(
    source: Path, output: Path, engine: str, models: Path
) -> Iterator[subprocess.Popen[str]]:
    """A batch run; it, and what it started, are gone afterwards."""
    command = stoicnet("batch", str(source), str(output), "--engine", engine, "--workers", "2")
    process = subprocess.Popen(
        command,
        env=clean_environment(device="cpu", models_dir=str(models)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    below: dict[int, str] = {}
    try:
        yield process
    finally:
        if process.poll() is None:
            below = descendants(process.pid)
            process.kill()
        process.communicate()
        deadline = time.monotonic() + PATIENCE_S
        while any(Path(f"/proc/{pid}").exists() for pid in below):
            assert time.monotonic() < deadline, below
            time.sleep(0.05)


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


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_every_image_is_done_exactly_once(
    engine: str,
    neutralizer: Neutralizer,
    toy_models: Path,
    astronaut: NDArray[np.uint8],
    tmp_path: Path,
) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    files = {f"{i % 3}/{i}.jpg": face for i, face in enumerate(portraits(astronaut, IMAGES))}
    fill(source, files | {"0/bad.jpg": b"broken", "3/bad.jpg": b"broken"})

    with started(source, output, engine, toy_models) as process:
        until(lambda: count(output) >= 8, process)
    first = {name: (output / name).stat() for name in results(output)}
    assert 8 <= len(first) < IMAGES
    assert not (output / "bad-images.parquet").exists()

    with started(source, output, engine, toy_models) as process:
        if engine == "ray":  # and one of its workers on the way
            until(lambda: count(output) >= len(first) + 2, process)
            workers = [p for p, line in descendants(process.pid).items() if "ChunkActor" in line]
            assert len(workers) == 2
            os.kill(workers[0], signal.SIGKILL)
        summary = finish(process)

    # Byte for byte what the pipeline makes of each image by itself, and nothing else.
    assert results(output) == expected(neutralizer, files)
    for name, stat in first.items():  # not written again
        now = (output / name).stat()
        assert (now.st_mtime_ns, now.st_ino) == (stat.st_mtime_ns, stat.st_ino)
    assert summary["images"] == IMAGES + 2
    assert summary["before"] >= len(first)  # and what was bad and known already
    assert summary["bad"] == 2
    rows = pq.read_table(output / "bad-images.parquet").to_pylist()
    assert [(row["key"], row["code"]) for row in rows] == [
        ("0/bad.jpg", "not_an_image"),
        ("3/bad.jpg", "not_an_image"),
    ]
    kept = [path.name for path in (output / ".stoicnet").rglob("*") if path.is_file()]
    assert kept == ["run.json"]
