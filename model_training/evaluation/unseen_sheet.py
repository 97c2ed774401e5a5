"""A sheet of people nobody trained on, large enough to look at skin, worst first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from app.faces.alignment import crop_matrix, cut
from app.faces.detector import FaceDetector
from model_training.evaluation.cache import Cache
from model_training.evaluation.cases import Case, Dataset, Image
from model_training.evaluation.report.ranking import Ranked, ranked
from model_training.evaluation.report.sheets import caption, grid
from model_training.evaluation.systems import System
from model_training.evaluation.views import EyeFinder

_QUALITY = 82


@dataclass(frozen=True, slots=True)
class Shown:
    """A case on the sheet and what was measured on it."""

    case: Case
    item: Ranked


def one_a_person(datasets: Sequence[Dataset], count: int) -> list[Dataset]:
    """At most `count` cases over all sets, one a person, earlier sets first."""
    people: set[str] = set()
    found = []
    for dataset in datasets:
        cases = []
        for case in dataset.cases:
            if len(people) < count and case.person not in people:
                people.add(case.person)
                cases.append(case)
        found.append(replace(dataset, cases=cases))
    return [dataset for dataset in found if dataset.cases]


def measure(
    datasets: Sequence[Dataset],
    system: System,
    cache: Path,
    advance: Callable[[], None] = lambda: None,
) -> list[Shown]:
    """Every case with its measures, worst first (see `ranking`)."""
    # Here, because the instruments need MediaPipe and dlib, which drawing does not.
    from model_training.evaluation.evaluate import evaluate

    cases: dict[str, Case] = {}
    items: list[Ranked] = []
    for dataset in datasets:
        result = evaluate(dataset, system, cache, advance, resamples=10)
        recognisers = result.document["systems"][system.name]["recognisers"]
        first = next(iter(recognisers))
        own = [row for row in result.rows if row.system == system.name]
        items += ranked(own, first, recognisers[first]["threshold"]["value"])
        cases |= {case.name: case for case in dataset.cases}
    items.sort(key=lambda item: (-item.badness, item.row.case))
    return [Shown(cases[item.row.case], item) for item in items]


def draw(shown: Sequence[Shown], system: System, cache: Path, size: int) -> Image:
    """uint8 RGB: input and output of every case as crops of `size` px, captioned.

    Raises:
        ValueError: nothing is shown.
    """
    finder = EyeFinder(FaceDetector(), Cache(cache))
    strips = []
    for case, item in ((s.case, s.item) for s in shown):
        photo = case.expressive.read()
        eyes = finder.find(photo, case.name)
        output = system.neutralize(case, photo, eyes).image
        matrix = crop_matrix(eyes[0], eyes[1], size)
        strip = np.hstack([cut(image, matrix, size).image for image in (photo, output)])
        strips.append((f"{case.labels.get('expression', '')}  {caption(item)}", strip))
    return grid(strips)


def encode(page: Image, quality: int = _QUALITY) -> bytes:
    """The sheet as JPEG."""
    bgr = cv2.cvtColor(page, cv2.COLOR_RGB2BGR)
    ok, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise RuntimeError("the sheet could not be encoded")
    return data.tobytes()
