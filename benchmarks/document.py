"""docs/performance.md from the JSON files in docs/performance: `python -m benchmarks.document`.

Figures of another model than the one in onnx_models/ are left out. The rates of training go into
docs/training.md instead, between two marks. `--check` writes nothing and ends with exit code 1 if a
page is not what the files give.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.machine import RESULTS, served_model

PAGE = RESULTS.parent / "performance.md"
TRAINING = RESULTS.parent / "training.md"
BEGIN, END = "<!-- rates: made by python -m benchmarks.document -->\n", "<!-- end of rates -->\n"
SECTIONS = {
    "stages": "every stage of a photograph's way against its floor",
    "overhead": "the whole request against its stages",
    "rivals": "requests under load, beside LitServe and a plain handler",
    "editors": "one face, beside LivePortrait's networks",
    "against": "whole requests, beside photo 0.5.0",
    "memory": "memory of the service under large photographs",
    "gpu": "the graph on a GPU",
}
"""The sections of the page, each made by the module of its name or as `COMMANDS` says."""
COMMANDS = {"editors": "rivals --editors DIR"}


def fresh(name: str, folder: Path = RESULTS) -> dict[str, Any] | None:
    """A section's figures, if they are there and of the model that is served."""
    file = folder / f"{name}.json"
    if not file.is_file():
        return None
    result: dict[str, Any] = json.loads(file.read_text())
    return result if result["machine"]["model_sha256"] == served_model()[1] else None


def page(folder: Path = RESULTS) -> str:
    """The page that a folder of results gives."""
    results = {name: fresh(name, folder) for name in SECTIONS}
    version, model = served_model()
    missing = [name for name, result in results.items() if result is None]
    return _render(
        "performance.md.j2",
        {"version": version, "model": model, "results": results}
        | {"missing": missing, "sections": SECTIONS, "commands": COMMANDS},
    )


def rates(result: dict[str, Any]) -> str:
    """Training steps of every stage in both precisions, as they stand in docs/training.md."""
    return _render("rates.md.j2", result)


def training_page(folder: Path = RESULTS) -> str:
    """docs/training.md with the rates that a folder of results gives."""
    before, rest = TRAINING.read_text().split(BEGIN)
    after = rest.split(END)[1]
    result = json.loads((folder / "training.json").read_text())
    return f"{before}{BEGIN}{rates(result)}{END}{after}"


def _render(template: str, values: dict[str, Any]) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(values).rstrip() + "\n"


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
