"""Training pairs on disk as memory-mapped arrays, so that no set need fit in memory.

A pair set of `synthesize` (see `synthesis.store`), or one written here, of S px crops:

pairs.npy     uint8 [N, 2, S, S, 3] RGB; [:, 0] is the neutral target, [:, 1] the expressive input
valid.npy     uint8 [N, S*S/8], packed bits: where the target may be trusted
flow.npy      float16 [N, S/2, S/2, 2], from a neutral pixel to the same skin in the input, pixels
known.npy     uint8 [N, S*S/32], packed bits: where the flow is known
opening.npy   uint8 [N, S*S/8], packed bits: where in the input one looks into the mouth
points.npy    float32 [N, 2, 468, 2], landmarks of both members
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_training.photo.landmark_flow import lip_line
from model_training.runs.atomic import atomic_path
from model_training.synthesis.geometry import FLOW_STEP, PairGeometry
from model_training.synthesis.store import FLOW, KNOWN, OPENING, PAIRS, POINTS, VALID

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


class Pairs(NamedTuple):
    """Some pairs of S px crops; H is S / 2.

    Attributes:
        neutral: uint8 [B, S, S, 3].
        expressive: uint8 [B, S, S, 3].
        flow: float32 [B, H, H, 2], pixels of the crop.
        known: bool [B, H, H], where the flow is known and the target may be trusted.
        opening: float32 [B, H, H] in [0, 1].
        line: float32 [B, 11, 2], the neutral face's lip line.
    """

    neutral: Bytes
    expressive: Bytes
    flow: Floats
    known: NDArray[np.bool_]
    opening: Floats
    line: Floats


def joined(parts: Sequence[Pairs]) -> Pairs:
    """Several draws as one."""
    return Pairs(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _halved(images: NDArray[Any]) -> Floats:
    """[B, S, S] -> [B, S/2, S/2], means of 2 x 2."""
    count, side, _ = images.shape
    half = side // FLOW_STEP
    blocks = images.reshape(count, half, FLOW_STEP, half, FLOW_STEP)
    return np.asarray(blocks.mean((2, 4), dtype=np.float32))


@dataclass(frozen=True)
class PairStore:
    """A set of pairs, opened read-only and memory-mapped."""

    arrays: dict[str, NDArray[Any]]

    @classmethod
    def open(cls, folder: Path) -> PairStore:
        """Open `folder`; `FileNotFoundError` if it holds no pair set with its geometry."""
        names = (PAIRS, VALID, FLOW, KNOWN, OPENING, POINTS)
        return cls({name: np.load(folder / name, mmap_mode="r") for name in names})

    def __len__(self) -> int:
        return len(self.arrays[PAIRS])

    def batch(self, rows: NDArray[np.integer]) -> Pairs:
        """Some pairs, by their numbers."""
        taken = {
            name: np.stack([array[int(row)] for row in rows]) for name, array in self.arrays.items()
        }
        side = taken[PAIRS].shape[2]
        half = side // FLOW_STEP

        def bits(name: str, size: int) -> NDArray[np.uint8]:
            return np.unpackbits(taken[name], axis=1).reshape(len(rows), size, size)

        known = bits(KNOWN, half).astype(bool) & (_halved(bits(VALID, side)) == 1)
        return Pairs(
            neutral=taken[PAIRS][:, 0],
            expressive=taken[PAIRS][:, 1],
            flow=taken[FLOW].astype(np.float32),
            known=known,
            opening=_halved(bits(OPENING, side)),
            line=np.stack([lip_line(points[0]) for points in taken[POINTS]]),
        )


def write_pairs(
    folder: Path, pairs: Bytes, valid: NDArray[np.bool_], geometry: Sequence[PairGeometry]
) -> None:
    """Write a whole set; each file appears under its name only once it is complete.

    Args:
        folder: made if missing.
        pairs: uint8 [N, 2, S, S, 3].
        valid: bool [N, S, S].
        geometry: N.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def packed(bits: NDArray[np.bool_]) -> Bytes:
        return np.packbits(bits.reshape(len(bits), -1), axis=1)

    arrays: dict[str, NDArray[Any]] = {
        PAIRS: pairs,
        VALID: packed(valid),
        FLOW: np.stack([one.flow for one in geometry]),
        KNOWN: packed(np.stack([one.known for one in geometry])),
        OPENING: packed(np.stack([one.opening for one in geometry])),
        POINTS: np.stack([one.points for one in geometry]),
    }
    for name, array in arrays.items():
        with atomic_path(folder / name) as temporary, temporary.open("wb") as handle:
            np.save(handle, array)
