"""Runs that are killed in the middle and started again, as users start them."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from app.pipeline import Neutralizer
from tests.app.conftest import clean_environment, stoicnet
from tests.app.scale.conftest import expected, fill, portraits, results

IMAGES = 40
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed (extra scale)"
)


def start(source: Path, output: Path, engine: str, models: Path) -> subprocess.Popen[str]:
    command = stoicnet("batch", str(source), str(output), "--engine", engine, "--workers", "2")
    return subprocess.Popen(
        command,
        env=clean_environment(device="cpu", models_dir=str(models)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def descendants(pid: int) -> dict[int, str]:
    """Processes below one, with their command lines."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        parents.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    below, todo = {}, [pid]
    while todo:
        for child in parents.get(todo.pop(), []):
            todo.append(child)
            try:
                below[child] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
    return below


def finish(process: subprocess.Popen[str]) -> dict[str, float]:
    out, err = process.communicate(timeout=180)
    assert process.returncode == 1, err  # some images are bad
    assert "Traceback" not in err
    return dict(json.loads(out.splitlines()[-1]))


@pytest.mark.parametrize("engine", ["local", pytest.param("ray", marks=needs_ray)])
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

    process = start(source, output, engine, toy_models)
    until(lambda: len(results(output)) >= 8, process)
    below = descendants(process.pid)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    until_gone(below)
    first = {name: (output / name).stat() for name in results(output)}
    assert 8 <= len(first) < IMAGES
    assert not (output / "bad-images.parquet").exists()

    process = start(source, output, engine, toy_models)
    if engine == "ray":  # and one of its workers on the way
        until(lambda: len(results(output)) >= len(first) + 4, process)
        workers = [p for p, line in descendants(process.pid).items() if "ChunkActor" in line]
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
    summary = finish(process)

    # Byte for byte what the pipeline makes of each image by itself, and nothing else.
    assert results(output) == expected(neutralizer, files)
    for name, stat in first.items():  # not written again
        assert (output / name).stat().st_mtime_ns == stat.st_mtime_ns
        assert (output / name).stat().st_ino == stat.st_ino
    assert summary["before"] in (len(first), len(first) + 1, len(first) + 2)
    assert summary["before"] + summary["written"] + 2 >= summary["images"] == IMAGES + 2
    rows = pq.read_table(output / "bad-images.parquet").to_pylist()
    assert [(row["key"], row["code"]) for row in rows] == [
        ("0/bad.jpg", "not_an_image"),
        ("3/bad.jpg", "not_an_image"),
    ]
    kept = [path.name for path in (output / ".stoicnet").rglob("*") if path.is_file()]
    assert kept == ["run.json"]


def until_gone(below: dict[int, str]) -> None:
    """Ray's processes end with the one that started them."""
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in below):
        assert time.monotonic() < deadline, below
        time.sleep(0.05)
