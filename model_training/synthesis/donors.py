"""What real expressive photographs lend to others: mouths and captured expressions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_training.portraits.landmarks import LandmarkTable
from model_training.runs.atomic import atomic_path
from model_training.synthesis.atlas import Atlas, build_atlas
from model_training.synthesis.captures import Capture, capture
from model_training.synthesis.face_model import FaceModel, FaceModelError
from model_training.synthesis.interiors import Mouth, take_mouth
from model_training.synthesis.photos import PhotoError, portrait, read_photo
from model_training.synthesis.selection import in_split

MAX_MOUTHS = 900
CAPTURE_SIZE, MOUTH_SIZE = 512, 400
"""Working sizes in pixels; London portraits fill the first, FairFace the second."""
FRONTAL_DEG = 14.0
LOG_RATIO_UNIT = 1 / 64


@dataclass(frozen=True, slots=True)
class Donors:
    """All there is to borrow.

    Attributes:
        mouths: insides of mouths.
        captures: expressions captured from people seen neutral and smiling.
        atlas: texture layout of the captures' ratio images.
    """

    mouths: list[Mouth]
    captures: list[Capture]
    atlas: Atlas


def collect(
    model: FaceModel,
    table: LandmarkTable,
    photos: Path,
    split: str,
    exclude: tuple[str, ...],
    seed: int,
    progress: Callable[[], object] = lambda: None,
) -> Donors:
    """Read every usable donor of a split. Photographs that cannot be read are passed over."""
    atlas = build_atlas(model)
    usable = in_split(table, split)
    usable &= ~table.in_sets(exclude) & (np.abs(table.pose[:, 0]) < FRONTAL_DEG)
    place = {path: row for row, path in enumerate(table.paths)}
    captures: list[Capture] = []
    for row in np.flatnonzero(usable):
        path = table.paths[row]
        neutral = place.get(path.replace("/smiling/", "/neutral/"))
        if "/smiling/" not in path or neutral is None:
            continue
        try:
            faces = [
                portrait(read_photo(photos / table.paths[r]), table.points[r], CAPTURE_SIZE)
                for r in (neutral, row)
            ]
        except PhotoError:
            continue
        captures.append(capture(model, atlas, *faces))
        progress()
    return Donors(_mouths(table, photos, usable, seed, progress), captures, atlas)


def _mouths(
    table: LandmarkTable,
    photos: Path,
    usable: np.ndarray,
    seed: int,
    progress: Callable[[], object],
) -> list[Mouth]:
    rows = np.flatnonzero(usable & (table.lip_gap() > 0.06))
    # Wide-open mouths are rare: they come first, smiles fill up.
    wide = rows[table.lip_gap()[rows] > 0.22]
    rest = np.random.default_rng([seed, 2]).permutation(np.setdiff1d(rows, wide))
    mouths: list[Mouth] = []
    for row in np.concatenate([wide, rest]):
        if len(mouths) >= MAX_MOUTHS:
            break
        try:
            photo = read_photo(photos / table.paths[row])
        except PhotoError:
            continue
        mouth = take_mouth(portrait(photo, table.points[row], MOUTH_SIZE))
        if mouth is not None:
            mouths.append(mouth)
        progress()
    return mouths


def save(donors: Donors, file: Path) -> None:
    """Write donors (all but the atlas, which the model gives) whole or not at all."""
    with atomic_path(file) as temporary, temporary.open("wb") as handle:
        np.savez(
            handle,
            textures=np.array([m.texture for m in donors.mouths], np.uint8),
            shapes=np.array([m.shape for m in donors.mouths], np.float32),
            whites=np.array([m.white for m in donors.mouths], np.float32),
            weights=np.array([c.weights for c in donors.captures], np.float32),
            offsets=np.array([c.offset_cm for c in donors.captures], np.float16),
            ratios=np.array(
                [np.clip(c.log_ratio / LOG_RATIO_UNIT, -127, 127) for c in donors.captures], np.int8
            ),
        )


def load(model: FaceModel, file: Path) -> Donors:
    """Read what `save` wrote; `FaceModelError` if it belongs to another face model."""
    with np.load(file) as data:
        if len(data["offsets"]) and data["offsets"].shape[1] != len(model.vertices):
            raise FaceModelError(f"{file} was made with another face model: delete it")
        mouths = [
            Mouth(*parts)
            for parts in zip(data["textures"], data["shapes"], data["whites"], strict=True)
        ]
        captures = [
            Capture(weights, offset.astype(np.float32), ratio.astype(np.float32) * LOG_RATIO_UNIT)
            for weights, offset, ratio in zip(
                data["weights"], data["offsets"], data["ratios"], strict=True
            )
        ]
    return Donors(mouths, captures, build_atlas(model))
