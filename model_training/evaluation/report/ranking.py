"""Which pictures to look at first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from model_training.evaluation.rows import Row


@dataclass(frozen=True, slots=True)
class Ranked:
    """A row with what speaks against it.

    Attributes:
        row: the measured row.
        removed: (e - g) / (e - n) of this case; NaN without truth or where e is hardly above n.
        distance: recogniser distance of input and output.
        badness: expression left + distance / threshold + sharpness lost; larger is worse.
    """

    row: Row
    removed: float
    distance: float
    badness: float


SMALLEST_RANGE = 0.5
"""Below this difference of e and n a case's own share removed is noise."""


def ranked(rows: Sequence[Row], recogniser: str, threshold: float | None) -> list[Ranked]:
    """Rows of one system, worst first; ties by case name. A lost face is worst of all."""
    found = []
    for row in rows:
        distance = row.distances[recogniser].neutralized
        removed, left = math.nan, 0.0
        if row.generated and row.neutral:
            span = row.expressive.score - row.neutral.score
            over = row.generated.score - row.neutral.score
            left = max(0.0, over) / max(span, SMALLEST_RANGE)
            if span >= SMALLEST_RANGE:
                removed = (row.expressive.score - row.generated.score) / span
        blur = max(0.0, 1.0 - row.picture.sharpness)
        badness = left + (distance / threshold if threshold else 0.0) + blur
        if row.generated is None:
            badness += 10.0
        found.append(Ranked(row, removed, distance, badness))
    return sorted(found, key=lambda item: (-item.badness, item.row.case))
