"""What `photo` trains on besides synthetic pairs, made from a data folder and its landmarks.

    OUT/smiles/                         London people, neutral and smiling, see `pair_store`
    OUT/expressive.npy, OUT/neutral.npy real crops without a pair, uint8 [N, S+M, S+M, 3]
    OUT/expressive-lips.npy             their inner lips, float32 [N, 2, 11, 2]; so of the others
    OUT/expressive-flow.npy             guessed, float16 [N, H, H, 2] with H = (S+M) / 2, as in
                                        `pair_store`, and where, OUT/expressive-known.npy, bool
    OUT/expressive-line.npy             the guessed calm lip line, or their own, float32 [N, 11, 2]
    OUT/rarity.npy                      how often to draw each expressive crop, float32 [N]
    OUT/panel.npy                       expressive validation people to look at, uint8 [24, S, S, 3]

Validation people are left out of all but the last.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from app.faces.alignment import Image, crop_matrix, cut, transform_points
from model_training.photo.calm_shapes import CalmShapes
from model_training.photo.config import CC_BY_SETS, PrepareConfig
from model_training.photo.guess import WAVERING, Guesser
from model_training.photo.landmark_flow import (
    landmark_flow,
    lip_edges,
    lip_line,
    opening_between,
)
from model_training.photo.network import PhotoNet
from model_training.photo.pair_store import write_pairs
from model_training.photo.real_pairs import register_neutral
from model_training.photo.tensors import to_tensor
from model_training.photo.warm_start import load_photo_network
from model_training.portraits.aligned import AlignedFace, align_face, read_rgb
from model_training.portraits.landmarks import (
    LEFT_IRIS,
    MESH,
    RIGHT_IRIS,
    FloatArray,
    LandmarkTable,
)
from model_training.portraits.split import validation_mask
from model_training.runs.atomic import atomic_path
from model_training.synthesis.geometry import FLOW_STEP, PairGeometry

MARGIN = 16
"""Extra pixels round crops without a pair, so that training can shift them."""
WILD_SCORE = 2.8
"""Expressiveness from which on a face is worth changing."""


def _load(table: LandmarkTable, row: int, size: int, data: Path) -> AlignedFace:
    return align_face(read_rgb(data / table.paths[row]), table.points[row], size)


def _load_wider(table: LandmarkTable, row: int, config: PrepareConfig) -> tuple[Image, FloatArray]:
    """The crop with `MARGIN` more pixels of the photograph around it, and the landmarks there."""
    points, edge = table.points[row], MARGIN // 2
    matrix = crop_matrix(points[RIGHT_IRIS], points[LEFT_IRIS], config.size)
    matrix[:, 2] += edge
    wider = cut(read_rgb(config.data / table.paths[row]), matrix, config.size + MARGIN)
    return wider.image, transform_points(points, matrix).astype(np.float32)


def _smiles(table: LandmarkTable, use: NDArray[np.bool_], config: PrepareConfig) -> None:
    row_of = {path: row for row, path in enumerate(table.paths)}
    pairs, valid, geometry = [], [], []
    wanted = [row for path, row in row_of.items() if "/smiling/" in path and use[row]]
    for row in tqdm(wanted, desc="smiles", unit="pair"):
        other = row_of.get(table.paths[row].replace("/smiling/", "/neutral/"))
        if other is None:
            continue
        smile = _load(table, row, config.size, config.data)
        calm = _load(table, other, config.size, config.data)
        registered = register_neutral(calm, smile)
        if registered is None:
            continue
        points = np.stack([registered.points[:MESH], smile.points[:MESH]])
        flow, known = landmark_flow(points[0], points[1], config.size, FLOW_STEP)
        opening = opening_between(lip_edges(points[1]), config.size, 1) > 0.5
        pairs.append(np.stack([registered.image, smile.image]))
        valid.append(registered.inside)
        geometry.append(PairGeometry(flow, known, opening, points.astype(np.float32)))
    write_pairs(config.out / "smiles", np.stack(pairs), np.stack(valid), geometry)


def _panel_rows(table: LandmarkTable, validation: NDArray[np.bool_]) -> NDArray[np.integer]:
    """Eight London smiles and sixteen of the most expressive FairFace faces, facing or turned."""
    smiling = np.array(["/smiling/" in path for path in table.paths])
    fairface = np.flatnonzero(validation & table.in_sets(("fairface",)))
    strongest = fairface[np.argsort(-table.expressiveness()[fairface], kind="stable")]
    return np.concatenate([np.flatnonzero(validation & smiling)[:8], strongest[:64:4]])


def _write(file: Path, array: NDArray[np.generic]) -> None:
    with atomic_path(file) as temporary, temporary.open("wb") as handle:
        np.save(handle, array)


def _write_crops(
    name: str, table: LandmarkTable, rows: NDArray[np.integer], config: PrepareConfig
) -> None:
    """`NAME.npy`, and where the lips are in it, `NAME-lips.npy`."""
    side = config.size + MARGIN
    crops = np.empty((len(rows), side, side, 3), np.uint8)
    lips = np.empty((len(rows), 2, 11, 2), np.float32)
    for place, row in enumerate(tqdm(rows, desc=name, unit="crop")):
        crops[place], points = _load_wider(table, row, config)
        lips[place] = lip_edges(points)
    _write(config.out / f"{name}-lips.npy", lips)
    _write(config.out / f"{name}.npy", crops)


def _guesser(
    table: LandmarkTable, calm: NDArray[np.integer], config: PrepareConfig
) -> Guesser | None:
    """The teacher and the shapes of real calm faces; None without a teacher."""
    if config.teacher is None:
        return None
    network = PhotoNet().eval()
    load_photo_network(network, config.teacher)
    faces = [_load_wider(table, row, config)[1][:MESH] - MARGIN // 2 for row in calm]
    return Guesser(network, CalmShapes.of(np.stack(faces), config.size))


def _guess(
    table: LandmarkTable,
    rows: NDArray[np.integer],
    calm: NDArray[np.integer],
    config: PrepareConfig,
) -> None:
    """`expressive-flow.npy`, `-known.npy`, `-line.npy`; without a teacher nothing is known."""
    edge, side = MARGIN // 2, config.size + MARGIN
    half = side // FLOW_STEP
    flow = np.zeros((len(rows), half, half, 2), np.float16)
    known = np.zeros((len(rows), half, half), np.bool_)
    lines = np.zeros((len(rows), 11, 2), np.float32)
    guesser = _guesser(table, calm, config)

    def note(place: int) -> None:
        image, points = _load_wider(table, rows[place], config)
        now = points[:MESH]
        lines[place] = lip_line(now)
        if guesser is None:
            return
        middle = to_tensor(image[None, edge:-edge, edge:-edge])
        guess = guesser(middle, now - edge, np.random.default_rng([0, rows[place]]))
        if guess.wavering < WAVERING:
            then = guess.points + edge
            flow[place], known[place] = landmark_flow(then, now, side, FLOW_STEP)
            lines[place] = lip_line(then)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in tqdm(pool.map(note, range(len(rows))), "guesses", len(rows), unit="face"):
            pass
    _write(config.out / "expressive-known.npy", known)
    _write(config.out / "expressive-line.npy", lines)
    _write(config.out / "expressive-flow.npy", flow)


def rarity(table: LandmarkTable, rows: NDArray[np.integer]) -> NDArray[np.float32]:
    """How often to draw each photograph, at least 1: most are smiles, the rest is as important."""

    def over(limit: float, *names: str) -> NDArray[np.bool_]:
        return np.asarray(np.max([table.score(name)[rows] for name in names], axis=0) > limit)

    weight = np.ones(len(rows))
    weight += 1.0 * (table.expressiveness()[rows] > 4.0)
    weight += 4.0 * over(0.3, "jawOpen")
    weight += 2.0 * over(0.4, "browDownLeft", "browDownRight")
    weight += 2.0 * over(0.6, "browInnerUp", "browOuterUpLeft", "browOuterUpRight")
    weight += 2.0 * over(0.5, "mouthPucker", "mouthFunnel", "mouthRollLower", "mouthPressLeft")
    return weight.astype(np.float32)


def prepare_photo(config: PrepareConfig) -> None:
    """Write everything; what is already there is kept."""
    config.out.mkdir(parents=True, exist_ok=True)
    table = LandmarkTable.load(config.landmarks)
    validation = np.array(validation_mask(table.paths))
    use = table.in_sets(CC_BY_SETS) & ~validation
    facing = (np.abs(table.pose[:, 0]) < 28) & (np.abs(table.pose[:, 1]) < 24)
    neutral = np.flatnonzero(use & table.near_neutral())
    expressive = np.flatnonzero(use & facing & (table.expressiveness() > WILD_SCORE))
    if not (config.out / "smiles" / "points.npy").exists():
        _smiles(table, use, config)
    for name, rows in (("expressive", expressive), ("neutral", neutral)):
        if not (config.out / f"{name}.npy").exists():
            _write_crops(name, table, rows, config)
    if not (config.out / "panel.npy").exists():
        shown = _panel_rows(table, validation).tolist()
        panel = [_load(table, row, config.size, config.data).image for row in shown]
        _write(config.out / "panel.npy", np.stack(panel))
    if not (config.out / "expressive-flow.npy").exists():
        _guess(table, expressive, neutral, config)
    _write(config.out / "rarity.npy", rarity(table, expressive))
