"""Training pairs on disk as two memory-mapped arrays, so that no set need fit in memory.

pairs.npy   uint8 [N, 2, S, S, 3] RGB; [:, 0] is the neutral target, [:, 1] the expressive input
valid.npy   uint8 [N, S*S/8], packed bits: where the target may be trusted
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model_training.runs.atomic import atomic_path

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class PairStore:
    """A set of pairs, opened read-only and memory-mapped."""

    pairs: Bytes
    valid: Bytes

    @classmethod
    def open(cls, folder: Path) -> PairStore:
        """Open `folder`; `FileNotFoundError` if it holds no pair set."""
        return cls(
            pairs=np.load(folder / "pairs.npy", mmap_mode="r"),
            valid=np.load(folder / "valid.npy", mmap_mode="r"),
        )

    def __len__(self) -> int:
        return int(self.pairs.shape[0])

    @property
    def size(self) -> int:
        """Side of the crops in pixels."""
        return int(self.pairs.shape[2])

    def batch(self, rows: NDArray[np.integer]) -> tuple[Bytes, Bytes, NDArray[np.bool_]]:
        """Neutral and expressive images [B, S, S, 3] and validity [B, S, S] of some rows."""
        both = np.stack([self.pairs[int(row)] for row in rows])
        bits = np.stack([self.valid[int(row)] for row in rows])
        valid = np.unpackbits(bits, axis=1).reshape(len(rows), self.size, self.size).astype(bool)
        return both[:, 0], both[:, 1], valid


def write_pairs(folder: Path, pairs: Bytes, valid: NDArray[np.bool_]) -> None:
    """Write a whole set; each file appears under its name only once it is complete.

    Args:
        folder: made if missing.
        pairs: uint8 [N, 2, S, S, 3].
        valid: bool [N, S, S].
    """
    folder.mkdir(parents=True, exist_ok=True)
    packed = np.packbits(valid.reshape(len(valid), -1), axis=1)
    for name, array in (("pairs.npy", pairs), ("valid.npy", packed)):
        with atomic_path(folder / name) as temporary, temporary.open("wb") as handle:
            np.save(handle, array)
