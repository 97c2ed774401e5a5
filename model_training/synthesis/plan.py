"""Who gets how many pairs, and in which slots of the arrays: decided before any work starts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.faces.alignment import INTER_OCULAR
from model_training.synthesis.photos import OVERSAMPLING

CHUNK_PAIRS = 24
"""At most this many pairs are lost when a run is killed, per worker."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive pairs of one photograph.

    Attributes:
        number: of the chunk.
        row: of the photograph in the landmark table.
        start: slot of its first pair in the arrays.
        first: number of its first pair among the photograph's pairs.
        count: number of pairs.
    """

    number: int
    row: int
    start: int
    first: int
    count: int


def share_out(
    rows: tuple[int, ...], inter_ocular: np.ndarray, pairs: int, size: int, frames: int = 1
) -> dict[int, int]:
    """Pairs for every photograph, exactly `pairs` in all.

    A photograph as large as the crop gets three times as many as a small one, which has to be
    enlarged: sharp skin is scarcer than faces. Whole sequences are handed out; the last may be cut.
    """
    full_size = INTER_OCULAR * size * OVERSAMPLING
    weights = np.where(inter_ocular[list(rows)] >= full_size, 3.0, 1.0)
    sequences = -(-pairs // frames)
    ideal = sequences * weights / weights.sum()
    counts = np.floor(ideal).astype(int)
    order = np.argsort(-(ideal - counts), kind="stable")
    counts[order[: sequences - counts.sum()]] += 1
    numbers = {row: int(count) * frames for row, count in zip(rows, counts, strict=True)}
    surplus = sequences * frames - pairs
    last = max(row for row in rows if numbers[row])
    numbers[last] -= surplus
    return numbers


def make_chunks(numbers: dict[int, int], seed: int, frames: int = 1) -> list[Chunk]:
    """Cut the photographs' pairs into chunks, photographs in random order."""
    rows = sorted(row for row, count in numbers.items() if count > 0)
    np.random.default_rng([seed, 1]).shuffle(rows)
    step = max(frames, CHUNK_PAIRS // frames * frames)
    chunks: list[Chunk] = []
    start = 0
    for row in rows:
        for first in range(0, numbers[row], step):
            count = min(step, numbers[row] - first)
            chunks.append(Chunk(len(chunks), row, start, first, count))
            start += count
    return chunks
