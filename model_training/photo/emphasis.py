"""Which synthetic pairs are drawn how often: what is learnt least easily, more."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

EMPHASIS = {
    "eyes_closing": 1.5,
    "anger": 3.0,
    "sad": 2.5,
    "pucker": 2.5,
    "fear": 1.5,
    "contempt": 1.5,
    "shout": 1.5,
    "captured_smile": 0.7,
}
"""By the expression of `labels.csv`; others count 1. Smiles also come as real pairs."""
_FAINT = 0.2
"""Weight of a pair whose action units hardly move, relative to a full one."""


def read_emphasis(folder: Path, count: int) -> NDArray[np.float64]:
    """Weights [N] of a pair set, from its `labels.csv`.

    A set without labels has equal weights. Faint pairs count less: a photograph that hardly
    changes teaches little, and a face that rests like that is not to be changed.
    """
    weights = np.ones(count)
    labels = folder / "labels.csv"
    if not labels.exists():
        return weights
    with labels.open(newline="") as handle:
        for line in csv.DictReader(handle):
            units = [float(v) for name, v in line.items() if name.startswith("AU") and v]
            strength = min(1.0, max(units, default=1.0))
            # Captured expressions have no action units: theirs are real amounts.
            faintness = _FAINT + (1 - _FAINT) * strength if strength > 0 else 1.0
            weights[int(line["index"])] = EMPHASIS.get(line["expression"], 1.0) * faintness
    return weights
