"""One row: a system's picture compared with the input, the truth and a stranger."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import crop_matrix
from model_training.evaluation import mouth
from model_training.evaluation.cases import Case, Image
from model_training.evaluation.readings import Reading
from model_training.evaluation.rows import (
    TO_PHOTOGRAPH,
    Distances,
    MouthNumbers,
    PictureNumbers,
    Row,
    WobbleNumbers,
)
from model_training.evaluation.slices import measured_labels
from model_training.evaluation.systems import Output
from model_training.evaluation.views import Seen
from model_training.evaluation.wobble import wobble
from model_training.measure import picture as measure
from model_training.meter.labels import is_expression


@dataclass(frozen=True, slots=True)
class Photographs:
    """Readings of the whole photographs behind a view of crops."""

    expressive: Reading
    neutral: Reading | None
    stranger: Reading | None


@dataclass(frozen=True, slots=True)
class Subject:
    """The pictures of a case through one view, with their readings.

    `photographs` is None where the view is the photograph itself.
    """

    photo: Image
    eyes: NDArray[np.float64]
    expressive: tuple[Seen, Reading]
    neutral: tuple[Seen, Reading] | None
    stranger: Reading | None
    traits: dict[str, str]
    key: str
    photographs: Photographs | None = None


def labels_of(case: Case, subject: Subject) -> dict[str, str]:
    """Slices of a case: what was measured on the input, and what the data say."""
    reading = subject.expressive[1]
    measured = measured_labels(reading.pose, reading.inter_ocular)
    return {**measured, **subject.traits, **case.labels}


def compare(
    system: str,
    case: Case,
    subject: Subject,
    generated: tuple[Seen, Reading],
    output: Output | None,
    key: str,
) -> Row:
    """One row from readings; `output` is None for the true neutral."""
    seen, got = generated
    expressive_seen, expressive = subject.expressive
    truth = subject.neutral[1] if subject.neutral else None
    assert expressive.face is not None
    error = {}
    if truth is not None and got.face is not None:
        error = {
            name: round(abs(got.blendshapes[name] - value), 6)
            for name, value in truth.blendshapes.items()
            if is_expression(name)
        }
    return Row(
        system=system,
        case=case.name,
        person=case.person,
        labels=labels_of(case, subject),
        expressive=expressive.face,
        neutral=truth.face if truth else None,
        generated=got.face,
        blendshape_error=error,
        distances=_distances(subject, got),
        picture=_picture(expressive_seen, expressive, seen, got, subject.neutral, output),
        key=key,
        mouth=_mouth(subject.expressive, generated, subject.neutral),
        wobble=_wobble(expressive_seen, expressive, output),
    )


def _distances(subject: Subject, got: Reading) -> dict[str, Distances]:
    truth = subject.neutral[1] if subject.neutral else None
    found = _to_others(got, subject.expressive[1], truth, subject.stranger)
    whole = subject.photographs
    if whole is not None:
        outside = _to_others(got, whole.expressive, whole.neutral, whole.stranger)
        found |= {f"{name}{TO_PHOTOGRAPH}": value for name, value in outside.items()}
    return found


def _to_others(
    got: Reading, expressive: Reading, truth: Reading | None, stranger: Reading | None
) -> dict[str, Distances]:
    return {
        name: Distances(
            neutralized=_distance(vector, got.descriptors[name]),
            positive=_distance(vector, truth.descriptors[name]) if truth else None,
            negative=_distance(vector, stranger.descriptors[name]) if stranger else None,
            truth=_distance(got.descriptors[name], truth.descriptors[name]) if truth else None,
        )
        for name, vector in expressive.descriptors.items()
    }


def _picture(
    before: Seen,
    expressive: Reading,
    after: Seen,
    got: Reading,
    neutral: tuple[Seen, Reading] | None,
    output: Output | None,
) -> PictureNumbers:
    assert expressive.points is not None
    points = got.points if got.points is not None else expressive.points
    ratios = []
    for region_before, region_after in zip(
        measure.face_regions(expressive.points, before.image.shape),
        measure.face_regions(points, after.image.shape),
        strict=True,
    ):
        base = measure.fine_detail(before.image, region_before)
        now = measure.fine_detail(after.image, region_after)
        ratios.append(round(now / base, 6) if base > 0 else 1.0)
    likeness = None
    if neutral is not None and neutral[1].points is not None:
        likeness = round(
            measure.likeness(after.image, points, neutral[0].image, neutral[1].points), 6
        )
    outside_max = outside_count = seam = None
    if output is not None and output.image.shape == before.image.shape:
        if output.mask is not None:
            replaced = output.mask > 0
            band = replaced & (output.mask < 255)
            seam = round(measure.seam(before.image, after.image, band, expressive.inter_ocular), 6)
        else:
            # Nobody said what was replaced: everything outside the aligned crop must be as it was.
            matrix = crop_matrix(before.eyes[0], before.eyes[1], 256)
            replaced = _crop_area(before.image.shape, matrix, 256)
        if not replaced.all():
            outside_max, outside_count = measure.outside_change(before.image, after.image, replaced)
    return PictureNumbers(ratios[0], ratios[1], outside_max, outside_count, seam, likeness)


def _mouth(
    expressive: tuple[Seen, Reading],
    generated: tuple[Seen, Reading],
    neutral: tuple[Seen, Reading] | None,
) -> MouthNumbers | None:
    (seen, got), compared = generated, neutral or expressive
    if got.points is None or compared[1].points is None:
        return None
    base = mouth.lip_detail(compared[0].image, compared[1].points)
    lips = mouth.lip_detail(seen.image, got.points) / base if base > 0 else None
    truth: dict[str, float] = {}
    if neutral is not None:
        teeth, corners, width = _of_one_mouth(neutral[0].image, compared[1].points)
        truth = {"teeth_truth": teeth, "corners_truth": corners, "width_truth": width}
        truth["redness_truth"] = round(mouth.lip_redness(neutral[0].image, compared[1].points), 6)
    return MouthNumbers(
        *_of_one_mouth(seen.image, got.points),
        lips=None if lips is None else round(lips, 6),
        redness=round(mouth.lip_redness(seen.image, got.points), 6),
        **truth,
    )


def _of_one_mouth(image: Image, points: NDArray[np.float64]) -> tuple[float, float, float]:
    found = (mouth.teeth_share(image, points), mouth.corner_height(points))
    return round(found[0], 6), round(found[1], 6), round(mouth.mouth_width(points), 6)


def _wobble(before: Seen, expressive: Reading, output: Output | None) -> WobbleNumbers | None:
    if output is None or output.image.shape != before.image.shape:
        return None
    assert expressive.points is not None
    found = wobble(before.image, output.image, expressive.points)
    outside, ears = (None if v is None else round(v, 6) for v in (found.outside, found.ears))
    return WobbleNumbers(outside, ears, round(found.changed, 6))


def _crop_area(shape: tuple[int, ...], matrix: NDArray[np.float64], size: int) -> NDArray[np.bool_]:
    """Which photograph pixels the crop covers, [H, W]."""
    full = np.full((size, size), 255, np.uint8)
    inverse = cv2.invertAffineTransform(matrix)
    area = cv2.warpAffine(full, inverse, shape[1::-1], flags=cv2.INTER_NEAREST)
    return np.asarray(area > 0)


def _distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return round(float(np.linalg.norm(a - b)), 6)
