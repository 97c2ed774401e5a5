"""For whom it fails: the same numbers over parts of the people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model_training.evaluation.rows import Row
from model_training.evaluation.statistics import Columns, removed, threshold_of

MIN_CASES = 5
"""Smaller slices are shown, but never called the worst."""


def measured_labels(pose: tuple[float, float, float], inter_ocular: float) -> dict[str, str]:
    """Slices that need no labels: pose and face size of the input."""
    turned = max(abs(pose[0]), abs(pose[1]))
    bands = ((40, "under 40 px"), (80, "40-79 px"), (160, "80-159 px"))
    size = next((name for limit, name in bands if inter_ocular < limit), "160 px and more")
    return {
        "pose": "within 8°" if turned < 8 else "8-16°" if turned < 16 else "over 16°",
        "eye distance": size,
    }


@dataclass(frozen=True, slots=True)
class Slice:
    """One part of the cases: share removed, mean e-g distance, share verified, sharpness."""

    label: str
    value: str
    cases: int
    removed: float
    neutralized: float
    verified: float
    sharpness: float


def slices(rows: Sequence[Row], recogniser: str) -> list[Slice]:
    """Slices of one system's rows, by label then value; labels with one value are left out."""
    whole = Columns.of(rows, recogniser)
    threshold = threshold_of(whole.positive, whole.negative)
    values = sorted({(label, value) for row in rows for label, value in row.labels.items()})
    count: dict[str, int] = {}
    for label, _ in values:
        count[label] = count.get(label, 0) + 1
    found = []
    for label, value in values:
        chosen = [row for row in rows if row.labels.get(label) == value]
        if count[label] < 2:
            continue
        part = Columns.of(chosen, recogniser)
        found.append(
            Slice(
                label=label,
                value=value,
                cases=len(chosen),
                removed=removed(part),
                neutralized=float(np.nanmean(part.neutralized)),
                verified=float(np.mean(part.neutralized < threshold)),
                sharpness=float(np.nanmedian(part.sharpness)),
            )
        )
    return found


def worst(found: Sequence[Slice]) -> dict[str, Slice]:
    """The slice with the least removed, and the one farthest from the person."""
    large = [s for s in found if s.cases >= MIN_CASES and np.isfinite(s.removed)]
    if not large:
        return {}
    return {
        "removed": min(large, key=lambda s: s.removed),
        "identity": max(large, key=lambda s: s.neutralized),
    }
