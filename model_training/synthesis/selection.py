"""Which photographs can become targets: neutral, nearly frontal, readable, and fitting the mesh."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_training.portraits.landmarks import LandmarkTable
from model_training.portraits.split import person_of, validation_mask
from model_training.synthesis.face_model import FaceModel
from model_training.synthesis.fitting import fit
from model_training.synthesis.photos import PhotoError, read_photo

WORST_FIT_CM = 0.45
"""Photographs whose landmarks the mesh misses by more (root mean square) are left out."""
MIN_INTER_OCULAR_PX = 25.0


@dataclass(frozen=True, slots=True)
class Neutrality:
    """Upper bounds for a face to count as neutral and frontal."""

    lip_gap: float = 0.03
    smile: float = 0.25
    jaw_open: float = 0.06
    blink: float = 0.55
    expressiveness: float = 2.8
    yaw_deg: float = 20.0
    pitch_deg: float = 20.0


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows of the landmark table that can be used, and why the others cannot.

    Attributes:
        accepted: row numbers.
        rejected: (path, reason) of every other row.
    """

    accepted: tuple[int, ...]
    rejected: tuple[tuple[str, str], ...]


def in_split(table: LandmarkTable, split: str) -> np.ndarray:
    """Rows of the people of one split (`train`, `validation` or `all`), bool [N]."""
    validation = np.array(validation_mask(table.paths), bool)
    if split == "all":
        return np.ones(len(validation), bool)
    return validation if split == "validation" else ~validation


def select_neutral(
    table: LandmarkTable,
    split: str = "train",
    exclude: tuple[str, ...] = (),
    limits: Neutrality | None = None,
) -> Selection:
    """Choose by landmarks alone.

    Args:
        table: the collection.
        split: whose people: `train`, `validation` or `all`.
        exclude: first path components (data sets) to leave out.
        limits: what counts as neutral.
    """
    limits = limits or Neutrality()
    smile = np.maximum(table.score("mouthSmileLeft"), table.score("mouthSmileRight"))
    blink = np.maximum(table.score("eyeBlinkLeft"), table.score("eyeBlinkRight"))
    checks: list[tuple[str, np.ndarray, float]] = [
        ("face too small, eyes (px) apart", -table.inter_ocular(), -MIN_INTER_OCULAR_PX),
        ("head turned sideways (deg)", np.abs(table.pose[:, 0]), limits.yaw_deg),
        ("head tilted up or down (deg)", np.abs(table.pose[:, 1]), limits.pitch_deg),
        ("lips apart", table.lip_gap(), limits.lip_gap),
        ("smiling", smile, limits.smile),
        ("jaw open", table.score("jawOpen"), limits.jaw_open),
        ("eyes closed", blink, limits.blink),
        ("expressive", table.expressiveness(), limits.expressiveness),
    ]
    wanted = in_split(table, split)
    accepted: list[int] = []
    rejected: list[tuple[str, str]] = []
    for row, path in enumerate(table.paths):
        if path.split("/")[0] in exclude:
            rejected.append((path, "its data set is excluded"))
        elif not wanted[row]:
            rejected.append((path, f"person {person_of(path)} is not in the {split} split"))
        elif "/smiling/" in path:
            rejected.append((path, "smiling: its folder says so"))
        else:
            failed = [(why, v[row]) for why, v, limit in checks if not v[row] < limit]
            if failed:
                rejected.append((path, f"{failed[0][0]}: {abs(failed[0][1]):.2f}"))
            else:
                accepted.append(row)
    return Selection(tuple(accepted), tuple(rejected))


def screen(
    model: FaceModel,
    table: LandmarkTable,
    photos: Path,
    rows: Iterable[int],
    progress: Callable[[], object] = lambda: None,
) -> Selection:
    """Keep the rows whose photograph can be read and whose landmarks the mesh fits."""
    accepted: list[int] = []
    rejected: list[tuple[str, str]] = []
    for row in rows:
        path = table.paths[row]
        try:
            read_photo(photos / path)
            rms = fit(model, table.points[row]).rms_cm
        except (PhotoError, np.linalg.LinAlgError) as error:
            rejected.append((path, str(error)))
        else:
            if rms <= WORST_FIT_CM:
                accepted.append(row)
            else:
                rejected.append((path, f"the mesh misses the landmarks by {rms:.2f} cm"))
        progress()
    return Selection(tuple(accepted), tuple(rejected))
