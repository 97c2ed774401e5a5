"""Measure what docs/performance.md has no figures for, and make it: `python -m benchmarks.all`.

Each section is measured by its own command, in turn. A section whose JSON file is of the served
model is done, so that a run that was broken off goes on where it was; `--again` measures all of
them. LivePortrait's networks are measured with `--editors DIR`, a checkout of it. Exit code 1 if a
section missed its target or failed; a missing GPU is no failure.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import document
from benchmarks.gpu import NO_GPU

OPTIONS = {
    "stages": ["--repeats", "9"],
    "overhead": ["--requests", "40"],
    "rivals": ["--rounds", "2", "--seconds", "15"],
    "editors": ["--rounds", "3"],
    "against": [],
    "memory": [],
    "gpu": [],
}


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sections", nargs="+", choices=list(OPTIONS), default=list(OPTIONS))
    parser.add_argument("--again", action="store_true", help="what is measured already, too")
    parser.add_argument("--editors", type=Path, help="checkout of LivePortrait, for its section")
    arguments = parser.parse_args()
    failed = []
    for name in arguments.sections:
        if document.fresh(name) is not None and not arguments.again:
            print(f"{name}: measured already", flush=True)
            continue
        module, options = name, OPTIONS[name]
        if name == "editors":
            if arguments.editors is None:
                print("editors: left out without --editors DIR", flush=True)
                continue
            module, options = "rivals", ["--editors", str(arguments.editors), *options]
        command = [sys.executable, "-m", f"benchmarks.{module}", *options]
        print(f"{name}: {document.SECTIONS[name]}, load {os.getloadavg()[0]:.1f}", flush=True)
        began = time.monotonic()
        code = subprocess.run(command, check=False).returncode
        print(f"{name}: exit code {code} after {time.monotonic() - began:.0f} s", flush=True)
        if code and not (name == "gpu" and code == NO_GPU):
            failed.append(name)
    document.PAGE.write_text(document.page())
    print(document.PAGE)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
