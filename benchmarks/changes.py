"""What changes to the pipeline were worth: `python -m benchmarks.changes --before CHECKOUT`.

    git worktree add /tmp/before fdd381b
    python -m benchmarks.changes --before /tmp/before

Both checkouts work on the same photographs in turn, each in a process of its own and in one thread,
and processor time is counted, stage by stage. Writes docs/performance/changes.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def measure_here(files: list[str], repeats: int) -> dict[str, dict[str, float]]:
    """Median milliseconds of every stage, for every file, with the `app` that is on the path."""
    import cv2
    import numpy as np

    from app.pipeline import Neutralizer
    from app.progress import Progress
    from app.result import Options
    from app.settings import Settings

    # As in stage_costs.py, which a checkout to compare with need not have: only `app` is its own.
    class ProcessorTime(Progress):
        @contextmanager
        def stage(self, name: str) -> Iterator[None]:
            start = time.thread_time()
            try:
                yield
            finally:
                spent = (time.thread_time() - start) * 1000
                self.milliseconds[name] = self.milliseconds.get(name, 0.0) + spent

    cv2.setNumThreads(1)
    settings = Settings(device="cpu", warm_up=False, intra_op_threads=1)
    neutralizer = Neutralizer.build(settings)
    found = {}
    for file in files:
        data, runs = Path(file).read_bytes(), []
        for _ in range(repeats + 1):
            progress, start = ProcessorTime(), time.thread_time()
            neutralizer.neutralize(data, Options(faces="largest"), progress)
            whole = (time.thread_time() - start) * 1000
            runs.append(progress.milliseconds | {"whole": whole})
        names = list(runs[0])
        found[Path(file).stem] = {
            name: round(float(np.median([run[name] for run in runs[1:]])), 2) for name in names
        }
    return found


def _in_checkout(checkout: Path, files: list[str], repeats: int) -> dict[str, dict[str, float]]:
    """The same in a process that imports `app` from a checkout."""
    code = (
        "import json, runpy, sys; "
        "measure = runpy.run_path(sys.argv[1])['measure_here']; "
        "print(json.dumps(measure(sys.argv[3:], int(sys.argv[2]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, __file__, str(repeats), *files],
        env=os.environ | {"PYTHONPATH": str(checkout)},
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout))


def compare(before: Path, sizes: list[str], rounds: int, repeats: int) -> list[dict[str, Any]]:
    """A row for every size and stage; of several rounds, the fastest medians."""
    from benchmarks.pictures import pictures

    with tempfile.TemporaryDirectory() as folder:
        made = pictures()
        for size in sizes:
            (Path(folder) / f"{size}.jpg").write_bytes(made[size])
        files = [str(Path(folder) / f"{size}.jpg") for size in sizes]
        seen = [
            (_in_checkout(before, files, repeats), _in_checkout(ROOT, files, repeats))
            for _ in range(rounds)
        ]
    return [
        {
            "size": int(size),
            "stage": stage,
            "before_ms": min(old[size][stage] for old, _ in seen),
            "after_ms": min(new[size][stage] for _, new in seen),
        }
        for size in sizes
        for stage in seen[0][0][size]
    ]


def main() -> None:
    """Measure and write."""
    from benchmarks.machine import RESULTS, describe, write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, required=True, help="a checkout to compare with")
    parser.add_argument("--sizes", nargs="+", default=["512", "880", "1600", "3000"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the JSON file")
    arguments = parser.parse_args()
    rows = compare(arguments.before.resolve(), arguments.sizes, arguments.rounds, arguments.repeats)
    git = ["git", "-C", str(arguments.before), "rev-parse", "--short=12", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    head = {
        "command": "python -m benchmarks.changes --before CHECKOUT",
        "machine": describe(),
        "before": commit,
    }
    for row in rows:
        print(row)
    print(write("changes", head | {"rows": rows}, arguments.out))


if __name__ == "__main__":
    main()
