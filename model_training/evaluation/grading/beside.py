"""Two systems' outputs of the same photographs, side by side, in an order that the key alone knows.

Grades of two versions differ by the draw and by the grader's evening, by ten points here. Which of
two outputs of one photograph is better is easier to say, and asks both at once.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from model_training.evaluation.cases import Dataset, Image
from model_training.evaluation.grading.grades import GradesError
from model_training.evaluation.grading.sheets import (
    QUALITY,
    Item,
    as_csv,
    check_places,
    one_a_person,
    shares,
    strip,
)
from model_training.evaluation.report.sheets import grid
from model_training.evaluation.systems import System
from model_training.evaluation.tables import Table
from model_training.evaluation.unseen_sheet import encode
from model_training.evaluation.views import EyeFinder, NoFaceError
from model_training.runs.atomic import atomic_path

A_PAGE = 8
COLUMNS = ("number", "better")
KEY_COLUMNS = ("number", "set", "case", "first")
SAME = "="


def draw_beside(
    datasets: Sequence[Dataset],
    systems: tuple[System, System],
    finder: EyeFinder,
    count: int,
    seed: int,
    size: int,
    advance: Callable[[], None] = lambda: None,
) -> list[tuple[Item, int, Image]]:
    """Faces in the order of their numbers, one a person, sets mixed.

    Returns:
        (whose, which of the systems comes first, uint8 RGB [size, 3 * size, 3]: input and outputs).
        Faces whose outputs are the same to the byte, and cases without a face, are passed over.

    Raises:
        ValueError: nothing is left to compare.
    """
    generator = np.random.default_rng(seed)
    drawn = [one_a_person(dataset, generator) for dataset in datasets]
    items = [
        Item(dataset.name, case)
        for dataset, most in zip(drawn, shares([len(d.cases) for d in drawn], count), strict=True)
        for case in dataset.cases[:most]
    ]
    found = []
    for k in generator.permutation(len(items)):
        advance()
        first = int(generator.integers(2))
        try:
            strips = [strip(items[k], system, finder, size) for system in systems]
        except NoFaceError:
            continue
        outputs = [whole[:, size:] for whole in strips]
        if not np.array_equal(outputs[0], outputs[1]):
            row = np.hstack([strips[0][:, :size], outputs[first], outputs[1 - first]])
            found.append((items[k], first, row))
    if not found:
        raise ValueError("no face was found of which the two outputs differ")
    return found


def write_beside(found: Sequence[tuple[Item, int, Image]], out: Path, key: Path) -> list[Path]:
    """Pages of numbered rows and `grades.csv` in `out`, and the key elsewhere.

    Returns:
        The pages.

    Raises:
        ValueError: see `sheets.check_places`.
    """
    check_places(out, key)
    rows = [(str(number), row) for number, (_, _, row) in enumerate(found, 1)]
    files: dict[Path, bytes] = {}
    for start in range(0, len(rows), A_PAGE):
        page = grid(rows[start : start + A_PAGE], across=2)
        files[out / f"page-{start // A_PAGE + 1:02d}.jpg"] = encode(page, QUALITY)
    pages = list(files)
    facts = [
        (n, item.dataset, item.case.name, first) for n, (item, first, _) in enumerate(found, 1)
    ]
    files[key] = as_csv(KEY_COLUMNS, facts)
    files[out / "grades.csv"] = as_csv(COLUMNS, [(n, "") for n, *_ in facts])
    for path, data in files.items():
        with atomic_path(path) as temporary:
            temporary.write_bytes(data)
    return pages


def beside_table(key: Path, grades: Path) -> Table:
    """By set: how often which system was better, and how likely chance alone parts them so.

    Args:
        key: of `write_beside`.
        grades: the filled CSV: `1` or `2` where that output is better, `=` where neither is, empty
            where nobody looked.

    Raises:
        GradesError: a cell is none of these, the numbers are not the key's, or none is filled in.
    """
    with key.open(newline="") as file:
        known = {row["number"]: row for row in csv.DictReader(file)}
    wins: dict[str, list[int]] = {}
    with grades.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            number, better = row["number"], (row["better"] or "").strip()
            if number not in known or better not in ("", "1", "2", SAME):
                raise GradesError(f"{grades}, number {number}: {better!r} is not 1, 2 or {SAME}")
            if better:
                place = 2 if better == SAME else abs(int(known[number]["first"]) - int(better) + 1)
                for name in (known[number]["set"], "together"):
                    wins.setdefault(name, [0, 0, 0])[place] += 1
    if not wins:
        raise GradesError(f"{grades}: no line is filled in")
    heading = ["set", "compared", "models-dir better", "rival better", "neither", "chance"]
    lines = [
        [name, str(sum(n)), str(n[0]), str(n[1]), str(n[2]), f"{sign_test(n[0], n[1]):.2f}"]
        for name, n in sorted(wins.items(), key=lambda entry: (entry[0] == "together", entry[0]))
    ]
    return heading, lines


def sign_test(wins: int, losses: int) -> float:
    """Two-sided probability of a split at least as uneven if both were equally good."""
    both = wins + losses
    tail = sum(math.comb(both, k) for k in range(min(wins, losses) + 1))
    return min(1.0, 2 * tail / float(2**both))
