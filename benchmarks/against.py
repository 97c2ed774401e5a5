"""Whole requests against another version: `python -m benchmarks.against`.

Both services run at once, each with one thread inside a run of a graph, and answer the same
photographs in turn, so that a busy machine slows both alike. The other version is a commit of
this repository, taken out into a folder that is gone afterwards; the environment's packages serve
both. The commit of `photo` 0.5.0 is the default.

Counted is the processor time of the service from before a block of requests to after it. Writes
docs/performance/against.json; exit code 1 if a ratio is over its target.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import statistics
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from benchmarks.machine import RESULTS, describe, write
from benchmarks.overhead import ask
from benchmarks.pictures import multipart, pictures
from benchmarks.rivals.serving import OURS, Server, serving

TARGETS = {"512": 0.85, "880": 0.6, "1600": 0.7, "3000": 0.5}
"""Most of the time that `photo` 0.5.0 took, by the length of the photograph's longest side."""
BEFORE = "24aae42"
"""The commit of `photo` 0.5.0."""
HERE = Path(__file__).resolve().parent.parent
_QUIET = {"STOICNET_INTRA_OP_THREADS": "1", "STOICNET_QUEUE_SIZE": "8"}


def of_checkout(folder: Path, settings: dict[str, str] = _QUIET) -> Server:
    """The service of a checkout: Python looks into the folder it starts in first."""
    return Server(OURS, "/readyz", settings, folder=folder)


class Side:
    """One of the two services."""

    def __init__(self, base: str, process: psutil.Process) -> None:
        self._address = urlsplit(base).netloc
        self._process = process

    def block(self, body: bytes, kind: str, requests: int) -> tuple[float, float]:
        """Milliseconds of processor time and of the clock that a request took."""
        # A new one each time: the other side's turn is longer than a connection may be idle.
        connection = http.client.HTTPConnection(self._address, timeout=120)
        before = self._process.cpu_times()
        began = time.perf_counter()
        for _ in range(requests):
            ask(connection, body, kind)
        wall = time.perf_counter() - began
        after = self._process.cpu_times()
        connection.close()
        spent = after.user + after.system - before.user - before.system
        return spent / requests * 1000, wall / requests * 1000


def compare(
    ours: Side, theirs: Side, size: str, data: bytes, rounds: int, requests: int
) -> dict[str, Any]:
    """A row of the table: both sides in turn, the middle of the rounds."""
    body, kind = multipart(size, data)
    for side in (ours, theirs):
        side.block(body, kind, 3)
    seen = []
    for turn in range(rounds):
        # Who goes first changes, too.
        order = (ours, theirs) if turn % 2 == 0 else (theirs, ours)
        blocks = {id(side): side.block(body, kind, requests) for side in order}
        seen.append((blocks[id(ours)], blocks[id(theirs)]))
    cpu, cpu_then = (statistics.median(pair[i][0] for pair in seen) for i in (0, 1))
    wall, wall_then = (statistics.median(pair[i][1] for pair in seen) for i in (0, 1))
    ratios = [a[0] / b[0] for a, b in seen]
    return {
        "size": int(size),
        "cpu_ms": round(cpu, 1),
        "cpu_ms_then": round(cpu_then, 1),
        "wall_ms": round(wall, 1),
        "wall_ms_then": round(wall_then, 1),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_from": round(min(ratios), 3),
        "ratio_to": round(max(ratios), 3),
        "target": TARGETS.get(size),
    }


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """A commit's service and models in a folder of their own."""
    command = ["git", "-C", str(HERE), "archive", commit, "app", "onnx_models", "pyproject.toml"]
    files = subprocess.run(command, capture_output=True, check=True).stdout
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(files)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


def version_of(folder: Path) -> str:
    """The version of the checkout's `photo`."""
    manifest = json.loads((folder / "onnx_models" / "manifest.json").read_text())
    return str(manifest["models"]["photo"]["version"])


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commit", default=BEFORE, help="of the version before")
    parser.add_argument("--sizes", nargs="+", default=list(TARGETS), choices=list(TARGETS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--requests", type=int, default=8, help="of each side in a round")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the JSON file")
    arguments = parser.parse_args()
    machine = describe("psutil")  # the commit that is measured
    made, rows = pictures(), []
    with checked_out(arguments.commit) as folder:
        version = version_of(folder)
        with serving(of_checkout(HERE)) as now, serving(of_checkout(folder)) as then:
            ours, theirs = Side(*now), Side(*then)
            for size in arguments.sizes:
                rows.append(
                    compare(ours, theirs, size, made[size], arguments.rounds, arguments.requests)
                )
                print(rows[-1], flush=True)
    options = f"--rounds {arguments.rounds} --requests {arguments.requests}"
    head = {
        "command": f"python -m benchmarks.against --commit {arguments.commit} {options}",
        "machine": machine,
        "then": version,
    }
    print(write("against", head | {"rows": rows}, arguments.out))
    raise SystemExit(any(row["target"] and row["ratio"] > row["target"] for row in rows))


if __name__ == "__main__":
    main()
