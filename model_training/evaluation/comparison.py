"""Tables that hold several evaluations side by side, from their JSON documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model_training.evaluation.rows import CONTROLS
from model_training.evaluation.statistics import GROUPS
from model_training.evaluation.tables import Table, cell, ranged


def overview(documents: Sequence[dict[str, Any]]) -> Table:
    """Systems by data sets: expression removed / verified by the first recogniser / sharpness.

    Args:
        documents: evaluations, the main model's first. Its data sets are the columns, its controls
            the last lines.
    """
    main = [d for d in documents if d["model"] == documents[0]["model"]]
    sets = {d["data"]: f"{d['data']}, {own(d)['people']} people" for d in main}
    lines = []
    for model in dict.fromkeys(d["model"] for d in documents):
        measured = {d["data"]: d for d in documents if d["model"] == model}
        shared = [measured[name] for name in sets if name in measured]
        if not shared:
            continue
        version = shared[0]["facts"].get("version", "")
        cells = [_three(own(measured[name])) if name in measured else "–" for name in sets]
        lines.append([f"{model} {version}".strip(), *cells])
    lines += [
        [control, *(_three(d["systems"][control]) for d in main)]
        for control in CONTROLS
        if all(control in d["systems"] and control != d["model"] for d in main)
    ]
    return ["system", *sets.values()], lines


def _three(system: dict[str, Any]) -> str:
    numbers = next(iter(system["recognisers"].values()))
    removed = ranged(numbers["removed all"], percent=True)
    verified = cell(numbers["verified"], percent=True)
    return f"{removed} / {verified} / {cell(numbers['sharpness'])}"


def side_by_side(documents: Sequence[dict[str, Any]]) -> Table:
    """The evaluated systems of several evaluations on one data set, a line each."""
    keys = list(dict.fromkeys(k for d in documents for k in own(d)["recognisers"]))
    heading = ["model", "view", *(f"removed, {group}" for group in GROUPS), "blendshape error"]
    for key in keys:
        heading += [f"verified ({key})", f"1:2 ({key})"]
    lines = []
    for document in documents:
        measured = own(document)["recognisers"]
        first = next(iter(measured.values()))
        line = [document["model"], str(document["facts"].get("view", ""))]
        line += [ranged(first[f"removed {group}"], percent=True) for group in GROUPS]
        line.append(ranged(first["blendshape error"], 4))
        for key in keys:
            numbers = measured.get(key, {})
            line += [ranged(numbers.get(name), percent=True) for name in ("verified", "1:2")]
        lines.append([*line, ranged(first["sharpness"])])
    return [*heading, "sharpness"], lines


def own(document: dict[str, Any]) -> dict[str, Any]:
    """The evaluated system's part of a document."""
    part: dict[str, Any] = document["systems"][document["model"]]
    return part
