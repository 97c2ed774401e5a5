"""Who may lend a lower face to whom: people of one sex and about one age, of one race if possible.

A beard, wrinkles or another skin on the donor would otherwise become something that the network
learns to take away, or to smear.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

MAX_YEARS_APART = 12.0
MIN_DONORS = 12
"""With fewer donors of one's own race, those of all races are taken."""


def _rows(file: Path) -> list[dict[str, str]]:
    if not file.is_file():
        return []
    with file.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def _years(text: str) -> float:
    """`24` -> 24, `20-29` -> 24.5, `more than 70` -> 75; NaN when unknown."""
    numbers = [float(part) for part in text.replace("-", " ").split() if part.isdigit()]
    if not numbers:
        return float("nan")
    return sum(numbers) / len(numbers) + (5.0 if "more" in text else 0.0)


class Likeness:
    """Sex, age and race of the people in a landmark table, as far as the sets say."""

    def __init__(self, data: Path, paths: Sequence[str]) -> None:
        """Args: data: holds `fairface/faces.csv` and `london/people.csv`; paths: of the table."""
        fairface = {row["file"]: row for row in _rows(data / "fairface" / "faces.csv")}
        london = {row["id"]: row for row in _rows(data / "london" / "people.csv")}
        sex, years, race = [], [], []
        for path in paths:
            pure = PurePosixPath(path)
            row = {**fairface.get(pure.name, {}), **london.get(pure.stem, {})}
            known = row.get("gender", "").lower()
            if pure.parts[0] == "canada":
                known = {"f": "female", "m": "male"}.get(pure.stem[-1], "")
            sex.append(known)
            years.append(_years(row.get("age", "")))
            race.append((row.get("race") or row.get("ethnicity") or "").lower().replace("_", " "))
        self._sex, self._years, self._race = np.array(sex), np.array(years), np.array(race)

    def choose(self, row: int, donors: NDArray[np.integer]) -> NDArray[np.integer]:
        """Those of `donors` who are like the person of `row`; unknown facts exclude nobody."""
        known = self._sex[row] != ""
        fits = (self._sex[donors] == self._sex[row]) | (not known)
        apart = np.abs(self._years[donors] - self._years[row])
        fits &= ~(apart > MAX_YEARS_APART)
        alike: NDArray[np.integer] = donors[fits]
        own: NDArray[np.integer] = alike[self._race[alike] == self._race[row]]
        return own if len(own) >= MIN_DONORS else alike
