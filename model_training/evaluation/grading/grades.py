"""Filled grading sheets: read, checked against their key, and turned into a table by data set."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from model_training.errors import InputError
from model_training.evaluation.tables import Table

COLUMNS = ("number", "neutral", "real", "accept", "tags")
KEY_COLUMNS = ("number", "set", "case", "person", "control")
HIGHEST = {"neutral": 2, "real": 2, "accept": 1}
"""neutral: 0 still expressive, 2 neutral; real: 0 a fake, 2 a photograph; accept: as one's own
badge photograph."""
TAGS = (
    "teeth left", "mouth open", "folds left", "lips smeared", "eye artefact", "corners down",
    "asymmetric mouth", "squint left", "brows left", "soft lips", "cheeks smeared", "other",
)  # fmt: skip


class GradesError(InputError):
    """A sheet or its key is not what it has to be; the message names file and line."""


@dataclass(frozen=True, slots=True)
class Grade:
    """What was said about one face: marks as in `HIGHEST` (means of several graders), and tags."""

    neutral: float
    real: float
    accept: bool
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a number shows: a data set, and whether an output of it or a control."""

    dataset: str
    control: str = ""

    @property
    def group(self) -> str:
        """Its line of the table."""
        return f"{self.dataset}, {self.control}" if self.control else self.dataset


def read_key(path: Path) -> dict[int, Shown]:
    """What each number shows.

    Raises:
        GradesError: the file is no key.
    """
    return {
        _number(path, line, row): Shown(row["set"], row["control"])
        for line, row in _lines(path, KEY_COLUMNS)
    }


def read_grades(path: Path, known: Iterable[int]) -> dict[int, Grade]:
    """The graded faces of one filled CSV; lines left wholly empty are left out.

    Args:
        path: the CSV, tags separated by `;`.
        known: the numbers of the key.

    Raises:
        GradesError: a number is unknown or comes twice, a mark is missing or out of range, or a tag
            is none of `TAGS`.
    """
    numbers, found = set(known), dict[int, Grade]()
    for line, row in _lines(path, COLUMNS):
        number = _number(path, line, row)
        if number not in numbers:
            raise GradesError(f"{path}, line {line}: the key has no number {number}")
        if number in found:
            raise GradesError(f"{path}, line {line}: number {number} comes twice")
        if not any((row[name] or "").strip() for name in COLUMNS[1:]):
            continue
        marks = {name: _mark(path, line, row, name) for name in HIGHEST}
        tags = frozenset(filter(None, (t.strip().lower() for t in (row["tags"] or "").split(";"))))
        if tags - set(TAGS):
            wrong = ", ".join(sorted(tags - set(TAGS)))
            raise GradesError(f"{path}, line {line}: {wrong}: no tag of {', '.join(TAGS)}")
        found[number] = Grade(marks["neutral"], marks["real"], marks["accept"] == 1, tags)
    return found


def together(graders: Sequence[dict[int, Grade]]) -> dict[int, Grade]:
    """One grade a face: mean marks, every grader's tags, accepted where all who saw it accept."""
    found = {}
    for number in sorted({number for grades in graders for number in grades}):
        own = [grades[number] for grades in graders if number in grades]
        found[number] = Grade(
            neutral=sum(g.neutral for g in own) / len(own),
            real=sum(g.real for g in own) / len(own),
            accept=all(g.accept for g in own),
            tags=frozenset().union(*(g.tags for g in own)),
        )
    return found


def wilson(hits: int, of: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927).

    Raises:
        ValueError: `of` is not positive or `hits` not within it.
    """
    if not 0 <= hits <= of or of == 0:
        raise ValueError(f"{hits} of {of} is no share")
    z = 1.959964
    share, spread = hits / of, z * z / of
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def grade_table(key: dict[int, Shown], grades: dict[int, Grade]) -> Table:
    """A line a data set, and one of all that is no control; shares of the graded faces.

    Raises:
        GradesError: nothing was graded.
    """
    if not grades:
        raise GradesError("no line of the sheets is filled in")
    names = sorted({shown.group for shown in key.values()})
    groups = {name: [n for n in key if key[n].group == name] for name in names}
    outputs = [n for n in key if not key[n].control]
    heading = ["set", "graded", "accepted [95 %]", "neutral (0-2)", "real (0-2)", *TAGS]
    lines = []
    for name, numbers in (*groups.items(), ("all outputs", outputs)):
        own = [grades[n] for n in numbers if n in grades]
        graded = f"{len(own)} of {len(numbers)}"
        if not own:
            lines.append([name, graded, *["–"] * (len(heading) - 2)])
            continue
        hits = sum(g.accept for g in own)
        low, high = wilson(hits, len(own))
        line = [name, graded, f"{_percent(hits / len(own))} [{100 * low:.0f}, {100 * high:.0f}]"]
        line += [f"{sum(g.neutral for g in own) / len(own):.2f}"]
        line += [f"{sum(g.real for g in own) / len(own):.2f}"]
        lines.append(line + [_percent(sum(t in g.tags for g in own) / len(own)) for t in TAGS])
    return heading, lines


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _lines(path: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """(line of the file, cells); a spreadsheet's byte order mark is let through."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise GradesError(f"{path} lacks the columns {', '.join(missing)}")
        return [(reader.line_num, row) for row in reader]


def _number(path: Path, line: int, row: dict[str, str]) -> int:
    try:
        return int(row["number"])
    except (TypeError, ValueError):
        raise GradesError(f"{path}, line {line}: {row['number']!r} is no number") from None


def _mark(path: Path, line: int, row: dict[str, str], name: str) -> int:
    text = (row[name] or "").strip()
    if text not in [str(k) for k in range(HIGHEST[name] + 1)]:
        raise GradesError(f"{path}, line {line}: {name} is {text!r}, not 0 to {HIGHEST[name]}")
    return int(text)
