"""`docs/results.md`, made from committed JSON results, and the check that nobody edited either."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model_training.errors import InputError
from model_training.evaluation import tables
from model_training.evaluation.results import SCHEMA

HEAD = """# Results

<!-- Made by `python -m model_training results-doc` from the JSON files in docs/results; edits here
are lost, and a test fails when the two disagree. -->

How to read these tables: *e* is the expressive input, *g* the generated picture, *n* the person's
own neutral photograph, *m* a stranger. Table 1 sums MediaPipe's expression blendshapes; *removed*
= (e - g) / (e - n) of the means. Table 2 gives a face recogniser's distances; the threshold lies
midway between the means of e-n and e-m; *verified* is the share of outputs nearer to their input
than that, *1:2* the share nearer to their input than the stranger is. *Sharpness* is the fine
detail (root mean square Laplacian) of output / input over the face without the mouth. Square
brackets are 95 % bootstrap intervals over people.

The controls are systems whose result is known. *no-op* returns the input, *mean neutral face*
gives everybody the average of many neutral faces, *true neutral* returns the person's own neutral
photograph. A mean face is perfectly neutral and nobody: *removed* counts only together with
identity and sharpness. The line *published* repeats the paper's own numbers: on CK+, whose people
its test shares with its training, by OpenFace's action units and another recogniser.

*leaky* in the name of a data set: the neutralizer was fitted to expressions of these very people,
too (put on their neutral photographs), as the published split shares people.
"""


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


def section(document: dict[str, Any]) -> str:
    """One evaluation as Markdown."""
    own = document["systems"][document["model"]]
    version = document["facts"].get("version")
    parts = [
        f"## {document['model']}{f' {version}' if version else ''} on {document['data']}",
        f"{own['cases']} cases of {own['people']} people.",
        "Table 1: expressiveness",
        tables.markdown(tables.table_1(document)),
    ]
    by_units = tables.table_1(document, action_units=True)
    if by_units[1]:
        parts += ["Table 1 by OpenFace's action units", tables.markdown(by_units)]
    for name in own["recognisers"]:
        title = tables.recogniser_title(name)
        parts += [f"Table 2: identity ({title})", tables.markdown(tables.table_2(document, name))]
    parts += ["Picture", tables.markdown(tables.picture_table(document))]
    parts += ["Mouth and outline", tables.markdown(tables.mouth_table(document))]
    slices = tables.slice_table(document)
    if slices[1]:
        parts += ["Slices", tables.markdown(slices), tables.worst_sentence(document)]
    if document["facts"].get("skipped"):
        left = ", ".join(document["facts"]["skipped"])
        parts.append(f"Left out, because no face was found: {left}.")
    return "\n\n".join(part for part in parts if part)


def render(documents: Sequence[dict[str, Any]]) -> str:
    """The whole document."""
    return "\n\n".join([HEAD.strip(), *(section(d) for d in documents)]) + "\n"


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
