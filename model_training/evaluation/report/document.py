"""`docs/results.md`, made from committed JSON results, and the check that nobody edited either."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from model_training.errors import InputError
from model_training.evaluation import tables
from model_training.evaluation.comparison import overview
from model_training.evaluation.results import SCHEMA

MODELS = ("photo", "classic")
"""The order of the page's models: the one that is served by default first."""


class ResultsError(InputError):
    """A results file is missing or of another schema."""


def load_results(folder: Path) -> list[dict[str, Any]]:
    """All `*.json` of a folder, by name.

    Raises:
        ResultsError: there is none, or one is of another schema.
    """
    documents = []
    for path in sorted(folder.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        if document.get("schema") != SCHEMA:
            raise ResultsError(f"{path} has schema {document.get('schema')}, expected {SCHEMA}")
        documents.append(document)
    if not documents:
        raise ResultsError(f"{folder} has no results")
    return documents


def render(documents: Sequence[dict[str, Any]]) -> str:
    """The whole document."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    by_model = sorted(documents, key=lambda d: _place(d["model"]))
    text = environment.get_template("results.md.j2").render(
        documents=by_model,
        main=by_model[0]["model"],
        overview=tables.markdown(overview(by_model)),
        titled=tables.titled,
        markdown=tables.markdown,
        worst=tables.worst_sentence,
    )
    return text.rstrip() + "\n"


def _place(model: str) -> int:
    return MODELS.index(model) if model in MODELS else len(MODELS)


def differences(folder: Path, document: Path) -> str:
    """Empty when the document is what the JSON files give; else what to do.

    Raises:
        ResultsError: see `load_results`.
    """
    wanted = render(load_results(folder))
    found = document.read_text(encoding="utf-8") if document.is_file() else ""
    if found == wanted:
        return ""
    return f"{document} does not agree with {folder}: run python -m model_training results-doc"
