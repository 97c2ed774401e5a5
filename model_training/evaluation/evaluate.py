"""One evaluation from beginning to end: data set, system and controls, rows, JSON, report."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.faces.detector import FaceDetector
from model_training.evaluation.cache import Cache
from model_training.evaluation.cases import Dataset
from model_training.evaluation.controls import with_controls
from model_training.evaluation.instruments import Instruments
from model_training.evaluation.openface import PictureFolder
from model_training.evaluation.report.page import write_page
from model_training.evaluation.report.ranking import ranked
from model_training.evaluation.report.sheets import write_sheet
from model_training.evaluation.results import evaluate_rows
from model_training.evaluation.rows import Row
from model_training.evaluation.runner import Runner
from model_training.evaluation.statistics import RESAMPLES
from model_training.evaluation.systems import System
from model_training.evaluation.views import EyeFinder
from model_training.runs.atomic import write_json

WORST = 24
"""Cases on the sheet of the worst."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an evaluation leaves: the JSON document, the rows, and where report strips lie."""

    document: dict[str, Any]
    rows: list[Row]
    cache: Cache


def evaluate(
    dataset: Dataset,
    system: System,
    cache_folder: Path,
    advance: Callable[[], None],
    limit: int | None = None,
    resamples: int = RESAMPLES,
    openface: PictureFolder | None = None,
    sface: bool = True,
) -> Evaluated:
    """Measure `system` and its controls on `dataset`.

    Args:
        dataset: what to measure on.
        system: what to measure.
        cache_folder: rows and readings are kept here; a second run continues from them.
        advance: called after each case.
        limit: only the first so many cases.
        resamples: of the bootstrap.
        openface: where pictures go for OpenFace and its CSVs come back, if the user has it.
        sface: also measure by the second recogniser; only for models trained without it.
    """
    cache = Cache(cache_folder)
    finder = EyeFinder(FaceDetector(), cache)
    chosen = replace(dataset, cases=dataset.cases[:limit]) if limit else dataset
    systems = with_controls(system, chosen, finder)
    with Instruments(cache, sface) as instruments:
        keep = openface.keep if openface else None
        rows, skipped = Runner(finder, instruments, cache, keep).run(chosen, systems, advance)
    if not rows:
        reasons = json.dumps(skipped, indent=1)
        raise ValueError(f"nothing could be measured in {dataset.name}: {reasons}")
    if openface is not None:
        rows = openface.add_to(rows)
    facts: dict[str, Any] = {
        "view": system.view.name,
        "version": getattr(system, "version", ""),
        "skipped": skipped,
    }
    return Evaluated(evaluate_rows(rows, system.name, dataset.name, facts, resamples), rows, cache)


def save(result: Evaluated, folder: Path) -> None:
    """Write `results.json`, `rows.json` (every measured number), `worst.png` and `report.html`."""
    document = result.document
    write_json(document, folder / "results.json")
    write_json({"rows": [row.to_json() for row in result.rows]}, folder / "rows.json")
    subject = document["model"]
    recognisers = document["systems"][subject]["recognisers"]
    first = next(iter(recognisers))
    own = [row for row in result.rows if row.system == subject]
    items = ranked(own, first, recognisers[first]["threshold"]["value"])
    write_sheet(items[:WORST], result.cache, folder / "worst.png")
    write_page(document, items, result.cache, folder / "report.html")
