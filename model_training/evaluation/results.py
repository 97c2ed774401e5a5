"""The machine-readable result of one evaluation: computed from rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from model_training.evaluation.rows import Row
from model_training.evaluation.slices import slices, worst
from model_training.evaluation.statistics import (
    RESAMPLES,
    Columns,
    action_unit_summary,
    entries,
    intervals,
    per_blendshape,
    summary,
)

SCHEMA = 1
DIGITS = 4
"""Decimals kept in the JSON; every printed table is made from these."""


def system_rows(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows by system, systems in order of appearance."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.system, []).append(row)
    return found


def evaluate_rows(
    rows: Sequence[Row],
    subject: str,
    data: str,
    facts: dict[str, Any] | None = None,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Everything that is reported about one system and its controls.

    Args:
        rows: of the system and of the controls.
        subject: name of the evaluated system.
        data: name of the data set.
        facts: version, file hash, skipped cases and the like; copied.
        resamples: of the bootstrap.

    Returns:
        A JSON document (schema 1): NaN is written as null.
    """
    by_system = system_rows(rows)
    systems: dict[str, Any] = {}
    for name, own in by_system.items():
        people = [row.person for row in own]
        measured = {}
        for key in sorted(own[0].distances):
            columns = Columns.of(own, key)
            measured[key] = entries(summary(columns), intervals(columns, people, resamples))
        systems[name] = {"cases": len(own), "people": len(set(people)), "recognisers": measured}
        units = action_unit_summary(own, people)
        if units:
            systems[name]["action units"] = units
        if name == subject:
            found = slices(own, sorted(own[0].distances)[0])
            systems[name] |= {
                "slices": [asdict(s) for s in found],
                "worst slices": {k: asdict(s) for k, s in worst(found).items()},
                "blendshape errors": per_blendshape(own),
            }
    document = {
        "schema": SCHEMA,
        "model": subject,
        "data": data,
        "facts": facts or {},
        "bootstrap": {"resamples": resamples, "unit": "person", "level": 0.95},
        "systems": systems,
    }
    rounded: dict[str, Any] = _rounded(document)
    return rounded


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    return value
