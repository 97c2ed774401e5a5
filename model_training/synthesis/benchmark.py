"""How fast pairs are rendered, fitting excluded, and whether memory stays flat."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from model_training.portraits.landmarks import LandmarkTable
from model_training.synthesis.config import BenchmarkConfig
from model_training.synthesis.donors import load
from model_training.synthesis.face_model import load_face_model
from model_training.synthesis.pairs import Setup, render_pair
from model_training.synthesis.photos import OVERSAMPLING, portrait, read_photo
from model_training.synthesis.selection import screen, select_neutral
from model_training.synthesis.subject import prepare

SUBJECTS = 8
WARM_UP = 5


@dataclass(frozen=True, slots=True)
class Measured:
    """One process's result.

    Attributes:
        pairs: rendered after warming up.
        wall_s: seconds it took.
        cpu_s: processor seconds it took.
        memory_mib: resident memory at each tenth of the way.
    """

    pairs: int
    wall_s: float
    cpu_s: float
    memory_mib: list[float]


def benchmark(config: BenchmarkConfig) -> list[Measured]:
    """Render `config.pairs` pairs, divided over its workers, each timed by itself."""
    shares = [
        replace(config, pairs=-(-config.pairs // config.workers), seed=config.seed + worker)
        for worker in range(config.workers)
    ]
    with ProcessPoolExecutor(config.workers, multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(measure, shares))


def measure(config: BenchmarkConfig) -> Measured:
    """Fit a few photographs, then render pairs of them in turn."""
    cv2.setNumThreads(1)
    model = load_face_model(config.face_model)
    donors = load(model, config.donors) if config.donors else None
    table = LandmarkTable.load(config.landmarks)
    accepted = select_neutral(table, "train", config.excluded).accepted
    tried = np.random.default_rng(config.seed).permutation(accepted)[: 3 * SUBJECTS]
    rows = screen(model, table, config.photos, tried.tolist()).accepted[:SUBJECTS]
    if not rows:
        raise ValueError(f"no photograph below {config.photos} can be used")
    working = round(config.size * OVERSAMPLING)
    faces = [
        portrait(read_photo(config.photos / table.paths[r]), table.points[r], working) for r in rows
    ]
    subjects = [prepare(model, face.image, face.landmarks) for face in faces]
    setup = Setup(model, config.size, config.seed, 1, donors)
    memory: list[float] = []
    wall = cpu = 0.0
    for number in range(-WARM_UP, config.pairs):
        if number == 0:
            wall, cpu = time.perf_counter(), time.process_time()
        if number >= 0 and number % max(1, config.pairs // 10) == 0:
            memory.append(resident_mib())
        which = number % len(subjects)
        render_pair(
            setup, faces[which], subjects[which], table.paths[rows[which]], number + WARM_UP
        )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Measured(config.pairs, wall, cpu, [*memory, resident_mib()])


def resident_mib() -> float:
    """Resident memory of this process (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20
