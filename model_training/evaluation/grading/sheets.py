"""Close-ups of inputs and outputs, numbered and shuffled, for a person to grade blind."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.faces.alignment import EYE_MIDPOINT, INTER_OCULAR, crop_matrix, cut
from model_training.evaluation.cases import Case, Dataset, Image
from model_training.evaluation.grading.grades import COLUMNS, KEY_COLUMNS
from model_training.evaluation.report.sheets import grid
from model_training.evaluation.rows import NO_OP, TRUE_NEUTRAL
from model_training.evaluation.systems import System
from model_training.evaluation.unseen_sheet import encode
from model_training.evaluation.views import EyeFinder, NoFaceError
from model_training.runs.atomic import atomic_path

EYES_APART, EYE_LINE = 0.50, 0.27
"""Over a close-up's side: distance between the eyes, and how far down they lie. It reaches from
above the brows to under the lower lip."""
A_PAGE = 12
QUALITY = 95
"""Of the JPEG: what it softens would be taken for soft lips."""


@dataclass(frozen=True, slots=True)
class Item:
    """One pair of close-ups.

    Attributes:
        dataset: as the key and the table call it.
        case: whose input is shown.
        control: `no-op` or `true neutral` on the right; empty for the system's output.
    """

    dataset: str
    case: Case
    control: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """An item and its two close-ups side by side, uint8 RGB [size, 2 * size, 3]."""

    item: Item
    strip: Image


def shares(sizes: Sequence[int], count: int) -> list[int]:
    """How many of each set are taken: equal parts, and what small sets lack from the others."""
    taken = [0] * len(sizes)
    while sum(taken) < min(count, sum(sizes)):
        free = [k for k, size in enumerate(sizes) if taken[k] < size]
        taken[min(free, key=lambda k: taken[k])] += 1
    return taken


def one_a_person(dataset: Dataset, generator: np.random.Generator) -> Dataset:
    """The cases in a drawn order, the first of each person alone."""
    first: dict[str, Case] = {}
    for k in generator.permutation(len(dataset.cases)):
        first.setdefault(dataset.cases[k].person, dataset.cases[k])
    return replace(dataset, cases=list(first.values()))


def draw_pairs(
    datasets: Sequence[Dataset],
    system: System,
    finder: EyeFinder,
    count: int,
    controls: int,
    seed: int,
    size: int,
    advance: Callable[[], None] = lambda: None,
) -> list[Pair]:
    """Close-ups in the order of their numbers; sets and controls are mixed.

    Cases in which no face is found are passed over.

    Raises:
        ValueError: there is no case, or no face in any.
    """
    generator = np.random.default_rng(seed)
    drawn = [one_a_person(dataset, generator) for dataset in datasets]
    items = []
    # Nobody is shown twice: who has seen an input beside its truth does not grade it blind.
    sizes = [max(0, len(d.cases) - 2 * controls) for d in drawn]
    for dataset, most in zip(drawn, shares(sizes, count), strict=True):
        items += [Item(dataset.name, case) for case in dataset.cases[:most]]
        for k, case in enumerate(dataset.cases[most : most + 2 * controls]):
            shown = NO_OP if k % 2 or case.neutral is None else TRUE_NEUTRAL
            items.append(Item(dataset.name, case, shown))
    pairs = []
    for k in generator.permutation(len(items)):
        advance()
        try:
            pairs.append(Pair(items[k], strip(items[k], system, finder, size)))
        except NoFaceError:
            continue
    if not pairs:
        raise ValueError("no face to grade was found")
    return pairs


def strip(item: Item, system: System, finder: EyeFinder, size: int) -> Image:
    """Input and what is shown beside it, uint8 RGB [size, 2 * size, 3].

    Raises:
        NoFaceError: there is no face in the input.
    """
    photo = item.case.expressive.read()
    eyes = finder.find(photo, item.case.name)
    shown, shown_eyes = photo, eyes
    if item.control == TRUE_NEUTRAL:
        assert item.case.neutral is not None
        shown = item.case.neutral.read()
        shown_eyes = finder.find(shown, item.case.neutral.name)
    elif item.control != NO_OP:
        output = system.neutralize(item.case, photo, eyes).image
        seen = system.view.see(photo, eyes)
        shown, shown_eyes = output, seen.eyes
        # A view of small grey crops is graded beside the same crop.
        photo, eyes = seen.image, seen.eyes
    return np.hstack([close_up(photo, eyes, size), close_up(shown, shown_eyes, size)])


def close_up(image: Image, eyes: np.ndarray, size: int) -> Image:
    """Brows to mouth, upright, uint8 RGB [size, size, 3]; `eyes` [2, 2] in the picture's pixels."""
    whole = round(size * EYES_APART / INTER_OCULAR)
    matrix = crop_matrix(eyes[0], eyes[1], whole)
    matrix[:, 2] -= np.array(EYE_MIDPOINT) * whole - np.array([0.5, EYE_LINE]) * size
    return cut(image, matrix, size).image


def check_places(out: Path, key: Path) -> None:
    """See that sheets can be written.

    Raises:
        ValueError: the key would lie with the sheets, or sheets that may be filled lie there.
    """
    if key.resolve().is_relative_to(out.resolve()):
        raise ValueError(f"{key} would lie with the sheets; whoever grades must not see it")
    if (out / "grades.csv").exists():
        raise ValueError(f"{out} has a grades.csv already: choose another folder")


def write(pairs: Sequence[Pair], out: Path, key: Path) -> list[Path]:
    """Pages of numbered pairs and `grades.csv` in `out`, and the key elsewhere.

    Returns:
        The pages.

    Raises:
        ValueError: see `check_places`.
    """
    check_places(out, key)
    numbered = list(enumerate(pairs, 1))
    files: dict[Path, bytes] = {}
    for start in range(0, len(pairs), A_PAGE):
        some = numbered[start : start + A_PAGE]
        page = grid([(str(number), pair.strip) for number, pair in some])
        files[out / f"page-{start // A_PAGE + 1:02d}.jpg"] = encode(page, QUALITY)
    pages = list(files)
    facts = [(n, p.item.dataset, p.item.case.name, p.item.case.person, p.item.control)
             for n, p in numbered]  # fmt: skip
    files[key] = as_csv(KEY_COLUMNS, facts)
    files[out / "grades.csv"] = as_csv(COLUMNS, [(n, "", "", "", "") for n, _ in numbered])
    for path, data in files.items():
        with atomic_path(path) as temporary:
            temporary.write_bytes(data)
    return pages


def as_csv(heading: Sequence[str], lines: Sequence[Sequence[object]]) -> bytes:
    """A heading and its lines as a file's bytes."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([heading, *lines])
    return text.getvalue().encode()
