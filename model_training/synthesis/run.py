"""Make a pair set with several processes: plan, hand out chunks, collect the labels."""

from __future__ import annotations

import csv
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
from tqdm import tqdm

from model_training.errors import UsageError
from model_training.portraits.landmarks import LandmarkTable
from model_training.portraits.split import person_of
from model_training.synthesis.actions import ACTION_UNITS
from model_training.synthesis.config import SynthesisConfig
from model_training.synthesis.donors import collect, load, save
from model_training.synthesis.face_model import load_face_model
from model_training.synthesis.pairs import Setup, make_pairs
from model_training.synthesis.photos import read_photo
from model_training.synthesis.plan import Chunk, make_chunks, share_out
from model_training.synthesis.selection import screen, select_neutral
from model_training.synthesis.sheet import contact_sheet
from model_training.synthesis.store import LABELS, REJECTED, PairStore, StoreSpec, write_csv

DONORS = "donors.npz"
LABEL_COLUMNS = [
    "index", "source", "person", "expression", "frame", *ACTION_UNITS, "seed",
]  # fmt: skip


class NothingToDoError(UsageError):
    """No photograph can be used."""


def spec_of(config: SynthesisConfig) -> StoreSpec:
    """What a resumed run must agree in."""
    kept = {"seed": config.seed, "split": config.split, "exclude": list(config.excluded)}
    drawn = {
        "frames": config.frames,
        "donors": config.donors,
        "names": list(config.names),
        "geometry": 1,
    }
    return StoreSpec(config.pairs, config.size, {**kept, **drawn})


def synthesize(config: SynthesisConfig) -> None:
    """Make (or finish) a pair set in `config.out`.

    Raises:
        NothingToDoError: no photograph is usable; `rejected.csv` says why for each.
        StoreError: the folder holds a set made with other options.
    """
    with PairStore.create(config.out, spec_of(config)) as store:
        table = LandmarkTable.load(config.landmarks)
        rows = usable_rows(config, table)
        collect_donors(config, table)
        numbers = share_out(rows, table.inter_ocular(), config.pairs, config.size, config.frames)
        chunks = make_chunks(numbers, config.seed, config.frames)
        todo = [chunk for chunk in chunks if not store.chunk_file(chunk.number).exists()]
        done = config.pairs - sum(chunk.count for chunk in todo)
        with tqdm(total=config.pairs, initial=done, unit="pair", smoothing=0.02) as bar:
            for count in _work(config, table, todo):
                bar.update(count)
        rows_by_index = [row for chunk in chunks for row in _read(store.chunk_file(chunk.number))]
        write_csv(config.out / LABELS, [LABEL_COLUMNS, *rows_by_index])
    contact_sheet(config.out)


def usable_rows(config: SynthesisConfig, table: LandmarkTable) -> tuple[int, ...]:
    """Rows of neutral, readable photographs that the mesh fits; writes `rejected.csv`.

    The answer is kept in `accepted.csv`, so that a resumed run has the same plan at once.
    """
    kept = config.out / "accepted.csv"
    if kept.exists():
        place = {path: row for row, path in enumerate(table.paths)}
        return tuple(place[line[0]] for line in _read(kept))
    by_landmarks = select_neutral(table, config.split, config.excluded)
    model = load_face_model(config.face_model)
    with tqdm(total=len(by_landmarks.accepted), unit="photo", desc="fitting") as bar:
        fitting = screen(model, table, config.photos, by_landmarks.accepted, bar.update)
    rejected = sorted([*by_landmarks.rejected, *fitting.rejected])
    write_csv(config.out / REJECTED, [("photo", "reason"), *rejected])
    if not fitting.accepted:
        raise NothingToDoError(
            f"none of {len(table.paths)} photographs can be used: see {config.out / REJECTED}"
        )
    write_csv(kept, [(table.paths[row],) for row in fitting.accepted])
    return fitting.accepted


def collect_donors(config: SynthesisConfig, table: LandmarkTable) -> None:
    """Collect what real expressive photographs lend, once per pair set."""
    file = config.out / DONORS
    if not config.donors or file.exists():
        return
    model = load_face_model(config.face_model)
    with tqdm(unit="photo", desc="donors") as bar:
        found = collect(
            model,
            table,
            config.photos,
            config.split,
            config.excluded,
            config.seed,
            bar.update,
        )
    save(found, file)


def _read(file: Path) -> list[list[str]]:
    with file.open(newline="") as handle:
        return list(csv.reader(handle))


@dataclass(slots=True)
class Worker:
    """What one process keeps between chunks."""

    config: SynthesisConfig
    setup: Setup
    store: PairStore

    @classmethod
    def start(cls, config: SynthesisConfig) -> Worker:
        """Load the model and open the arrays."""
        cv2.setNumThreads(1)
        model = load_face_model(config.face_model)
        donors = load(model, config.out / DONORS) if config.donors else None
        setup = Setup(model, config.size, config.seed, config.frames, donors, config.names)
        return cls(config, setup, PairStore(config.out, spec_of(config)))

    def make(self, chunk: Chunk, path: str, landmarks: Any) -> int:
        """Render one chunk, write it, and return its number of pairs."""
        photo = read_photo(self.config.photos / path)
        numbers = range(chunk.first, chunk.first + chunk.count)
        made = make_pairs(self.setup, photo, landmarks, path, numbers)
        rows: list[list[Any]] = []
        for index, pair in enumerate(made, chunk.start):
            self.store.write(index, pair)
            units = [round(pair.expression.units[unit], 3) for unit in ACTION_UNITS]
            label = [index, path, person_of(path), pair.expression.name, pair.frame]
            rows.append([*label, *units, pair.seed])
        self.store.finish_chunk(chunk.number, rows)
        return chunk.count


_worker: Worker | None = None
"""Per worker process, set once by its initializer: executors offer no other place."""


def _start_worker(config: SynthesisConfig) -> None:
    global _worker
    _worker = Worker.start(config)


def _make_chunk(chunk: Chunk, path: str, landmarks: Any) -> int:
    assert _worker is not None
    return _worker.make(chunk, path, landmarks)


def _work(config: SynthesisConfig, table: LandmarkTable, chunks: list[Chunk]) -> Iterator[int]:
    """Yield the number of pairs of each chunk as it is finished."""
    if config.workers <= 1:
        if chunks:
            worker = Worker.start(config)
            for chunk in chunks:
                yield worker.make(chunk, table.paths[chunk.row], table.points[chunk.row])
            worker.store.close()
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(config.workers, context, _start_worker, (config,)) as pool:
        waiting: set[Future[int]] = set()
        queue = iter(chunks)
        exhausted = False
        while waiting or not exhausted:
            # A few chunks ahead per worker: the queue of 100,000 pairs must not be held in memory.
            while not exhausted and len(waiting) < 3 * config.workers:
                for chunk in islice(queue, 1):
                    path, points = table.paths[chunk.row], table.points[chunk.row]
                    waiting.add(pool.submit(_make_chunk, chunk, path, points))
                    break
                else:
                    exhausted = True
            if waiting:
                finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
