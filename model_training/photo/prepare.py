"""Everything `photo` trains on besides synthetic pairs, made from a data folder and its landmarks.

    OUT/transplants/{pairs,valid}.npy   real lower faces on real neutral ones
    OUT/smiles/{pairs,valid}.npy        London people, neutral and smiling
    OUT/expressive.npy, OUT/neutral.npy real crops without a pair, uint8 [N, S+M, S+M, 3]
    OUT/rarity.npy                      how often to draw each expressive crop, float32 [N]
    OUT/panel.npy                       expressive validation people to look at, uint8 [24, S, S, 3]

Validation people are left out of all but the last.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from app.faces.alignment import Image
from model_training.photo.config import CC_BY_SETS, PrepareConfig
from model_training.photo.likeness import Likeness
from model_training.photo.pair_store import write_pairs
from model_training.photo.real_pairs import register_neutral
from model_training.photo.transplants import transplant
from model_training.portraits.aligned import AlignedFace, align_face, read_rgb
from model_training.portraits.landmarks import FloatArray, LandmarkTable
from model_training.portraits.split import validation_mask
from model_training.runs.atomic import atomic_path

MARGIN = 16
"""Extra pixels round the discriminator's crops, so that training can shift them."""


WILD_SCORE, DONOR_SCORE = 2.8, 4.0
"""Expressiveness from which on a face is worth changing, and from which on it lends its mouth."""


@dataclass(frozen=True)
class _Job:
    neutral: tuple[Path, FloatArray]
    donors: list[tuple[Path, FloatArray]]
    size: int
    seed: int


def _load(file: Path, points: FloatArray, size: int) -> AlignedFace:
    return align_face(read_rgb(file), points, size)


def _run(job: _Job) -> list[tuple[Image, Image, NDArray[np.bool_]]]:
    cv2.setNumThreads(1)
    rng = np.random.default_rng(job.seed)
    neutral = _load(*job.neutral, job.size)
    made = []
    for file, points in job.donors:
        result = transplant(neutral, _load(file, points, job.size), rng)
        if result is not None:
            made.append((neutral.image, result, neutral.inside))
    return made


def _jobs(
    table: LandmarkTable,
    neutral: NDArray[np.integer],
    expressive: NDArray[np.integer],
    config: PrepareConfig,
) -> Iterator[_Job]:
    rng = np.random.default_rng(config.seed)
    yaw, pitch = table.pose[:, 0], table.pose[:, 1]
    likeness = Likeness(config.data, table.paths)
    for row in neutral:
        posed = expressive[
            (np.abs(yaw[expressive] - yaw[row]) < 7) & (np.abs(pitch[expressive] - pitch[row]) < 8)
        ]
        alike = likeness.choose(int(row), posed)
        if len(alike) < 4:
            continue
        portrait = not table.paths[row].startswith("fairface/")
        wanted = config.per_portrait if portrait else config.per_photo
        chosen = rng.choice(alike, min(wanted, len(alike)), replace=False)
        yield _Job(
            neutral=(config.data / table.paths[row], table.points[row]),
            donors=[(config.data / table.paths[i], table.points[i]) for i in chosen],
            size=config.size,
            seed=config.seed * 1_000_003 + int(row),
        )


def _smiles(table: LandmarkTable, use: NDArray[np.bool_], config: PrepareConfig) -> None:
    row_of = {path: row for row, path in enumerate(table.paths)}
    pairs, valid = [], []
    for path, row in row_of.items():
        other = path.replace("/smiling/", "/neutral/")
        if "/smiling/" not in path or not use[row] or other not in row_of:
            continue
        smile = _load(config.data / path, table.points[row], config.size)
        calm = _load(config.data / other, table.points[row_of[other]], config.size)
        registered = register_neutral(calm, smile)
        if registered is not None:
            pairs.append(np.stack([registered[0], smile.image]))
            valid.append(registered[1])
    write_pairs(config.out / "smiles", np.stack(pairs), np.stack(valid))


def _panel_rows(table: LandmarkTable, validation: NDArray[np.bool_]) -> NDArray[np.integer]:
    """Eight London smiles and sixteen of the most expressive FairFace faces, facing or turned."""
    smiling = np.array(["/smiling/" in path for path in table.paths])
    fairface = np.flatnonzero(validation & table.in_sets(("fairface",)))
    strongest = fairface[np.argsort(-table.expressiveness()[fairface], kind="stable")]
    return np.concatenate([np.flatnonzero(validation & smiling)[:8], strongest[:64:4]])


def _write_crops(
    name: str, table: LandmarkTable, rows: NDArray[np.integer], side: int, config: PrepareConfig
) -> None:
    crops = np.empty((len(rows), side, side, 3), np.uint8)
    for place, row in enumerate(tqdm(rows, desc=name, unit="crop")):
        face = _load(config.data / table.paths[row], table.points[row], side)
        crops[place] = face.image
    with (
        atomic_path(config.out / f"{name}.npy") as temporary,
        temporary.open("wb") as handle,
    ):
        np.save(handle, crops)


def rarity(table: LandmarkTable, rows: NDArray[np.integer]) -> NDArray[np.float32]:
    """How often to draw each photograph, at least 1: most are smiles, the rest is as important."""

    def over(limit: float, *names: str) -> NDArray[np.bool_]:
        return np.asarray(np.max([table.score(name)[rows] for name in names], axis=0) > limit)

    weight = np.ones(len(rows))
    weight += 1.0 * (table.expressiveness()[rows] > 4.0)
    weight += 4.0 * over(0.5, "eyeBlinkLeft", "eyeBlinkRight")
    weight += 4.0 * over(0.3, "jawOpen")
    weight += 2.0 * over(0.4, "browDownLeft", "browDownRight")
    weight += 2.0 * over(0.6, "browInnerUp", "browOuterUpLeft", "browOuterUpRight")
    weight += 2.0 * over(0.5, "mouthPucker", "mouthFunnel", "mouthRollLower", "mouthPressLeft")
    return weight.astype(np.float32)


def prepare_photo(config: PrepareConfig) -> None:
    """Make all four sets; one whose file already has its name is left as it is."""
    config.out.mkdir(parents=True, exist_ok=True)
    table = LandmarkTable.load(config.landmarks)
    validation = np.array(validation_mask(table.paths))
    use = table.in_sets(CC_BY_SETS) & ~validation
    facing = (np.abs(table.pose[:, 0]) < 28) & (np.abs(table.pose[:, 1]) < 24)
    neutral = np.flatnonzero(use & table.near_neutral())
    expressive = np.flatnonzero(use & facing & (table.expressiveness() > WILD_SCORE))
    donors = expressive[table.expressiveness()[expressive] > DONOR_SCORE]
    if not (config.out / "smiles" / "valid.npy").exists():
        _smiles(table, use, config)
    for name, rows, side in (
        ("expressive", expressive, config.size + MARGIN),
        ("neutral", neutral, config.size + MARGIN),
        ("panel", _panel_rows(table, validation), config.size),
    ):
        if not (config.out / f"{name}.npy").exists():
            _write_crops(name, table, rows, side, config)
    with atomic_path(config.out / "rarity.npy") as temporary, temporary.open("wb") as handle:
        np.save(handle, rarity(table, expressive))
    if (config.out / "transplants" / "valid.npy").exists():
        return
    jobs = list(_jobs(table, neutral, donors, config))
    pairs, valid = [], []
    # Not forked: OpenCV's own threads, started above, would leave a child waiting for their locks.
    with multiprocessing.get_context("spawn").Pool(config.workers) as pool:
        for made in tqdm(pool.imap(_run, jobs, chunksize=4), total=len(jobs), desc="transplants"):
            for target, result, inside in made:
                pairs.append(np.stack([target, result]))
                valid.append(inside)
    write_pairs(config.out / "transplants", np.stack(pairs), np.stack(valid))
