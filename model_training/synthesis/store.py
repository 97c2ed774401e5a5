"""A pair set on disk: memory-mappable arrays that can be filled in any order and resumed.

All arrays are made at their full size first. Work is cut into chunks; a chunk's
pixels are written and synced, then its label rows appear under `chunks/` by rename. So after a
kill, the chunks that have a label file are exactly the chunks whose pixels are complete.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from model_training.errors import UsageError
from model_training.runs.atomic import atomic_path
from model_training.synthesis.geometry import FLOW_STEP
from model_training.synthesis.pairs import Pair

PAIRS, VALID, LABELS, REJECTED = "pairs.npy", "valid.npy", "labels.csv", "rejected.csv"
FLOW, KNOWN, OPENING, POINTS = "flow.npy", "known.npy", "opening.npy", "points.npy"


class StoreError(UsageError):
    """The folder holds another pair set."""


def write_text(file: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all."""
    with atomic_path(file) as temporary, temporary.open("w", newline="") as handle:
        handle.write(text)


def write_csv(file: Path, rows: Iterable[Iterable[Any]]) -> None:
    """Write rows as CSV, whole or not at all."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_text(file, text.getvalue())


@dataclass(frozen=True, slots=True)
class StoreSpec:
    """What identifies a pair set: a resumed run must agree in all of it.

    Attributes:
        count: number of pairs N.
        size: crop side S in pixels.
        options: everything else that decides the pixels.
    """

    count: int
    size: int
    options: dict[str, Any]


class PairStore:
    """Write access to a pair set; one instance per process. Use as a context manager."""

    def __init__(self, folder: Path, spec: StoreSpec) -> None:
        self.folder = folder
        self.spec = spec
        count, size, half = spec.count, spec.size, spec.size // FLOW_STEP
        shapes: dict[str, tuple[str, tuple[int, ...]]] = {
            PAIRS: ("|u1", (count, 2, size, size, 3)),
            VALID: ("|u1", (count, -(-size * size // 8))),
            FLOW: ("<f2", (count, half, half, 2)),
            KNOWN: ("|u1", (count, -(-half * half // 8))),
            OPENING: ("|u1", (count, -(-size * size // 8))),
            POINTS: ("<f4", (count, 2, 468, 2)),
        }
        self._arrays = {
            name: _array(folder / name, kind, shape) for name, (kind, shape) in shapes.items()
        }

    @classmethod
    def create(cls, folder: Path, spec: StoreSpec) -> PairStore:
        """Make the folder, or open the one of an interrupted run.

        Raises:
            StoreError: it was made with other options.
        """
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "chunks").mkdir(exist_ok=True)
        written = json.dumps(
            {"count": spec.count, "size": spec.size, "options": spec.options}, indent=1
        )
        record = folder / "synthesis.json"
        if record.exists():
            if json.loads(record.read_text()) != json.loads(written):
                raise StoreError(
                    f"{folder} was made with other options (see {record.name}): "
                    "choose another --out, or delete it"
                )
        else:
            write_text(record, written + "\n")
        return cls(folder, spec)

    def write(self, index: int, pair: Pair) -> None:
        """Write one pair's pixels and geometry at its place."""
        parts: dict[str, NDArray[Any]] = {
            PAIRS: pair.images,
            VALID: np.packbits(pair.valid.ravel()),
            FLOW: pair.geometry.flow,
            KNOWN: np.packbits(pair.geometry.known.ravel()),
            OPENING: np.packbits(pair.geometry.opening.ravel()),
            POINTS: pair.geometry.points,
        }
        for name, data in parts.items():
            fd, start = self._arrays[name]
            raw = np.ascontiguousarray(data).tobytes()
            if os.pwrite(fd, raw, start + index * len(raw)) != len(raw):
                raise OSError(f"could not write {len(raw)} bytes to {name}: is the disk full?")

    def finish_chunk(self, chunk: int, rows: list[list[Any]]) -> None:
        """Sync the pixels, then record the chunk's labels."""
        for fd, _ in self._arrays.values():
            os.fdatasync(fd)
        write_csv(self.chunk_file(chunk), rows)

    def chunk_file(self, chunk: int) -> Path:
        """Where a finished chunk's labels are."""
        return self.folder / "chunks" / f"{chunk:06d}.csv"

    def close(self) -> None:
        """Close the arrays."""
        for fd, _ in self._arrays.values():
            os.close(fd)

    def __enter__(self) -> PairStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _array(file: Path, kind: str, shape: tuple[int, ...]) -> tuple[int, int]:
    """Open (or make, by rename) a .npy of a type and shape: file descriptor and start of its data.

    Written with pwrite and not through a memory map: a map's dirty pages would count as memory.
    """
    if not file.exists():
        with atomic_path(file) as temporary, temporary.open("wb") as handle:
            npy.write_array_header_1_0(
                handle, {"descr": kind, "fortran_order": False, "shape": shape}
            )
            bytes_each = np.dtype(kind).itemsize
            handle.truncate(handle.tell() + bytes_each * int(np.prod(shape, dtype=np.int64)))
    with file.open("rb") as handle:
        npy.read_magic(handle)
        found, _, _ = npy.read_array_header_1_0(handle)
        start = handle.tell()
    if found != shape:
        raise StoreError(f"{file} has shape {found}, not {shape}")
    return os.open(file, os.O_RDWR), start


def open_pairs(
    folder: Path,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], list[dict[str, str]]]:
    """Open a finished pair set: pairs [N, 2, S, S, 3], packed validity, and label rows.

    Raises:
        StoreError: it is not finished.
    """
    if not (folder / LABELS).exists():
        raise StoreError(f"{folder} has no {LABELS}: run `synthesize` again to finish it")
    with (folder / LABELS).open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    return (
        np.load(folder / PAIRS, mmap_mode="r"),
        np.load(folder / VALID, mmap_mode="r"),
        rows,
    )
