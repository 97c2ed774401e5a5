"""What happens to eyes that are shut, and to eyes that are not, on people nobody trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import crop_matrix, cut
from model_training.evaluation.cases import Case, FilePicture, Image
from model_training.evaluation.report.sheets import grid
from model_training.evaluation.systems import System
from model_training.evaluation.views import EyeFinder, NoFaceError, PhotoView
from model_training.photo.eyes.geometry import OPEN_APERTURE, apertures, shut_labels
from model_training.portraits.landmarks import LandmarkTable
from model_training.portraits.split import person_of, validation_mask

if TYPE_CHECKING:
    # MediaPipe, which it imports, is in the evaluation's environment alone.
    from model_training.evaluation.instruments import Instruments

SAME_PERSON = 0.6
"""dlib's own threshold of its descriptors' distance."""
FACING = 20.0
"""Largest yaw and pitch of a face, in degrees."""


@dataclass(frozen=True, slots=True)
class Face:
    """A photograph and the labels of its eyes, right first: 1 shut, 0 open, 0.5 hard to say."""

    case: Case
    labels: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a face.

    Attributes:
        face: which one.
        before: lid distance over eye width of both eyes, [2].
        after: the same in the output.
        distance: of dlib's descriptors, input to output.
    """

    face: Face
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    distance: float


def unseen_faces(
    data: Path, table: LandmarkTable, sets: Sequence[str], open_faces: int, trained: Sequence[str]
) -> list[Face]:
    """Faces with a shut eye, and some with both eyes open.

    Args:
        data: folder that the table's paths are relative to.
        table: landmarks.
        sets: image sets to look through.
        open_faces: how many faces with open eyes.
        trained: sets of which only validation people are unseen; nobody of the others was seen.
    """
    blink = np.stack([table.score("eyeBlinkRight"), table.score("eyeBlinkLeft")], 1)
    labels = shut_labels(apertures(table.points), blink)
    unseen = np.array(validation_mask(table.paths)) | ~table.in_sets(tuple(trained))
    use = unseen & table.in_sets(tuple(sets)) & (np.abs(table.pose[:, :2]).max(1) < FACING)
    shut = np.flatnonzero(use & (labels == 1).any(1))
    opened = np.flatnonzero(use & (labels == 0).all(1))
    if len(opened) > open_faces:
        opened = opened[np.linspace(0, len(opened) - 1, open_faces).astype(int)]
    found = []
    for row in np.concatenate([shut, opened]):
        path = table.paths[row]
        case = Case(path, person_of(path), FilePicture(data / path, path))
        found.append(Face(case, labels[row]))
    return found


def measure(
    faces: Sequence[Face],
    system: System,
    finder: EyeFinder,
    instruments: Instruments,
    advance: Callable[[], None] = lambda: None,
) -> list[Outcome]:
    """Neutralize and measure; faces that the detector or MediaPipe does not find are left out."""
    view, found = PhotoView(), []
    for face in faces:
        advance()
        photo = face.case.expressive.read()
        try:
            eyes = finder.find(photo, face.case.name)
        except NoFaceError:
            continue
        output = system.neutralize(face.case, photo, eyes).image
        before, after = (instruments.read(view.see(image, eyes)) for image in (photo, output))
        if before.points is None or after.points is None:
            continue
        first = next(iter(before.descriptors))
        gap = before.descriptors[first] - after.descriptors[first]
        lids = [apertures(p.astype(np.float32)) for p in (before.points, after.points)]
        found.append(Outcome(face, lids[0], lids[1], float(np.linalg.norm(gap))))
    return found


def summary(outcomes: Sequence[Outcome]) -> dict[str, float | int]:
    """Counts, shares in [0, 1] and mean apertures."""
    labels = np.array([o.face.labels for o in outcomes]).reshape(-1, 2)
    before = np.array([o.before for o in outcomes]).reshape(-1, 2)
    after = np.array([o.after for o in outcomes]).reshape(-1, 2)
    distance = np.array([o.distance for o in outcomes])
    # Judged by the picture that is measured: landmark tables are from other crops.
    shut = (labels == 1) & (before < OPEN_APERTURE)
    opened = (labels == 0) & (before >= OPEN_APERTURE)
    closing = shut.any(1)

    def share(of: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
        return round(float(of[among].mean()), 4) if among.any() else float("nan")

    def mean(values: NDArray[np.floating], among: NDArray[np.bool_]) -> float:
        return round(float(values[among].mean()), 4) if among.any() else float("nan")

    return {
        "shut_eyes": int(shut.sum()),
        "opened": share(after >= OPEN_APERTURE, shut),
        "aperture_before": mean(before, shut),
        "aperture_after": mean(after, shut),
        "same_person": share(distance < SAME_PERSON, closing),
        "open_eyes": int(opened.sum()),
        "still_open": share(after >= OPEN_APERTURE, opened),
        "open_aperture_before": mean(before, opened),
        "open_aperture_after": mean(after, opened),
        "same_person_open": share(distance < SAME_PERSON, ~closing),
    }


def draw(
    outcomes: Sequence[Outcome], system: System, finder: EyeFinder, size: int, count: int
) -> Image:
    """uint8 RGB: input and output of faces with a shut eye, least opened first.

    Raises:
        ValueError: there are none.
    """
    shut = [o for o in outcomes if (o.face.labels == 1).any()]
    shut.sort(key=lambda o: float(o.after[o.face.labels == 1].min()))
    strips = []
    for outcome in shut[:: max(1, len(shut) // count)][:count]:
        photo = outcome.face.case.expressive.read()
        eyes = finder.find(photo, outcome.face.case.name)
        output = system.neutralize(outcome.face.case, photo, eyes).image
        matrix = crop_matrix(eyes[0], eyes[1], size)
        strip = np.hstack([cut(image, matrix, size).image for image in (photo, output)])
        text = f"{outcome.face.case.person}  lids {outcome.before.min():.2f} > "
        strips.append((f"{text}{outcome.after.min():.2f}  dlib {outcome.distance:.2f}", strip))
    return grid(strips)
