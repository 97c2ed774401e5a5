"""docs/performance.md from the JSON files in docs/performance: `python -m benchmarks.document`.

The rates of training go into docs/training.md instead, between two marks. `--check` writes nothing
and ends with exit code 1 if a page is not what the files give.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import sections
from benchmarks.machine import RESULTS

PAGE = RESULTS.parent / "performance.md"
TRAINING = RESULTS.parent / "training.md"
BEGIN, END = "<!-- rates: made by python -m benchmarks.document -->\n", "<!-- end of rates -->\n"

_HEAD = """\
# Performance

<!-- Made by `python -m benchmarks.document` from the JSON files in docs/performance; edits here are
lost, and a test fails when the two disagree. -->

Every table was measured by the command above it, which writes a JSON file into `docs/performance/`;
the file also names the processor, the versions, the commit, the model's hash and the load of the
machine when it was done. `pip install -e ".[bench,train]"` installs what the benchmarks need.

The photographs are one real face (`docs/samples/astronaut.jpg`): 512 px with a crop of 256 px, an
880 px close-up with a crop of 768 px, 1600 and 3000 px with crops of 512 and 1024 px.

**A table that names another hash than today's `fused.onnx` was measured with an earlier one.** A
512 px crop takes `photo` 0.5.0's graph 24 ms on two cores, 0.4.0's 19 (medians of 40 runs in turn,
counted once): requests of the tables of rivals and of overhead would take that much longer.
"""


SECTIONS: dict[str, Callable[[sections.Result], str]] = {
    "stages": sections.stages,
    "changes": sections.changes,
    "overhead": sections.overhead,
    "rivals": sections.rivals,
    "int8": sections.int8,
    "gpu": sections.gpu,
}
_MISSING = {
    "rivals": "python -m benchmarks.rivals",
    "gpu": "python -m benchmarks.gpu",
    "int8": "python -m model_training export int8 --photos DIR --report docs/performance/int8.json",
}


def page(folder: Path = RESULTS) -> str:
    """The page that a folder of results gives."""
    parts, missing = [_HEAD], []
    for name, section in SECTIONS.items():
        file = folder / f"{name}.json"
        if file.exists():
            parts.append(section(json.loads(file.read_text())))
        else:
            missing.append(f"- `{_MISSING.get(name, f'python -m benchmarks.{name}')}`")
    if missing:
        parts.append("## Not measured yet\n\n" + "\n".join(missing) + "\n")
    return "\n".join(parts)


def training_page(folder: Path = RESULTS) -> str:
    """docs/training.md with the rates that a folder of results gives."""
    before, rest = TRAINING.read_text().split(BEGIN)
    after = rest.split(END)[1]
    result = json.loads((folder / "training.json").read_text())
    return f"{before}{BEGIN}{sections.rates(result)}{END}{after}"


def main() -> None:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    for file, made in ((PAGE, page()), (TRAINING, training_page())):
        if not check:
            file.write_text(made)
        elif file.read_text() != made:
            print(f"docs/{file.name}: run python -m benchmarks.document", file=sys.stderr)
            raise SystemExit(1)


if __name__ == "__main__":
    main()
