"""One HTML file with everything inside: tables, slices, pictures; nothing is loaded."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape

from model_training.evaluation import tables
from model_training.evaluation.cache import Cache
from model_training.evaluation.report.ranking import Ranked
from model_training.evaluation.report.sheets import strip_path
from model_training.runs.atomic import atomic_path

DIFFERENCES = "Where it differs from the true neutral"
MOST_PICTURES = 240
"""Beyond so many the worst are shown and the page says so: each is about 25 kB."""


def page(document: dict[str, Any], items: Sequence[Ranked], cache: Cache) -> str:
    """The report.

    Args:
        document: of `results.evaluate_rows`.
        items: the evaluated system's rows, worst first.
        cache: holds their strips.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(default_for_string=True, default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        document=document,
        tables=[*tables.titled(document), (DIFFERENCES, tables.blendshape_table(document))],
        worst=tables.worst_sentence(document),
        pictures=[_picture(item, cache) for item in items[:MOST_PICTURES]],
        total=len(items),
    )


def _picture(item: Ranked, cache: Cache) -> dict[str, Any]:
    data = base64.b64encode(strip_path(cache, item).read_bytes()).decode()
    row = item.row
    return {
        "source": f"data:image/jpeg;base64,{data}",
        "case": row.case,
        "labels": ", ".join(f"{k} {v}" for k, v in sorted(row.labels.items())),
        "numbers": {
            "badness": f"{item.badness:.2f}",
            "removed": "–" if math.isnan(item.removed) else f"{100 * item.removed:.0f} %",
            "distance": f"{item.distance:.3f}",
            "sharpness": f"{row.picture.sharpness:.2f}",
            "input": f"{row.expressive.score:.2f}",
            "output": f"{row.generated.score:.2f}" if row.generated else "no face",
        },
        "sort": {
            "badness": item.badness,
            "removed": -1e9 if math.isnan(item.removed) else item.removed,
            "distance": item.distance,
            "sharpness": row.picture.sharpness,
            "input": row.expressive.score,
            "output": row.generated.score if row.generated else 1e9,
        },
    }


def write_page(document: dict[str, Any], items: Sequence[Ranked], cache: Cache, path: Path) -> None:
    """Write the report."""
    text = page(document, items, cache)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
