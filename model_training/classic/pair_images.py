"""The expressive images of pairs among the crops that stages 1 and 2 see.

An autoencoder of photographs has hardly seen strong expressions; pairs have little else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model_training.classic.pair_sets import PairSet, resize
from model_training.portraits.crops import CropCache
from model_training.runs.atomic import atomic_path, write_json

PREFIX = "pairs"
"""First part of the keys of such images, in the place of a data set's name."""


def with_pair_images(cache: CropCache, sets: Sequence[PairSet], folder: Path) -> CropCache:
    """The crops, and after them each set's source images, at the same size.

    Targets are left out: they are photographs, most of them in the crops already. People whom a
    set holds out, or who are of validation in the crops, are of validation here, too.

    Args:
        cache: crops of photographs, side S.
        sets: pairs over aligned images of any side.
        folder: `crops.npy` (uint8 RGB [N, S, S, 3]) is written here once, with a note of what it
            was made from; one that was made from something else is replaced.

    Returns:
        All images, memory-mapped. Keys of the added ones are `pairs/SET-ROW`.
    """
    size = cache.crops.shape[1]
    rows = [np.unique(s.source, return_index=True) for s in sets]
    count = len(cache) + sum(len(found) for found, _ in rows)
    known = {p for p, out in zip(cache.people, cache.validation, strict=True) if out}
    keys, people, validation = list(cache.keys), list(cache.people), list(cache.validation)
    for number, (s, (found, first)) in enumerate(zip(sets, rows, strict=True)):
        keys += [f"{PREFIX}/{number}-{row}" for row in found]
        people += [s.people[k] for k in first]
        validation += [bool(s.held_out[k]) or s.people[k] in known for k in first]
    digest = hashlib.sha256(json.dumps([size, keys, people]).encode())
    # One image of each source stands for all of it: another file of the same layout has another.
    samples = [cache.crops[0]]
    samples += [s.images[found[0]] for s, (found, _) in zip(sets, rows, strict=True)]
    for sample in samples:
        digest.update(np.ascontiguousarray(sample).tobytes())
    note, wanted = folder / "cache.json", {"fingerprint": digest.hexdigest()}
    if not (note.exists() and json.loads(note.read_text()) == wanted):
        folder.mkdir(parents=True, exist_ok=True)
        note.unlink(missing_ok=True)
        with atomic_path(folder / "crops.npy") as temporary:
            out = np.lib.format.open_memmap(
                temporary, mode="w+", dtype=np.uint8, shape=(count, size, size, 3)
            )
            out[: len(cache)] = cache.crops
            place = len(cache)
            for s, (found, _) in zip(sets, rows, strict=True):
                for row in found:
                    out[place] = resize(s.images[row], size)
                    place += 1
            out.flush()
            del out
        write_json(wanted, note)
    crops = np.load(folder / "crops.npy", mmap_mode="r")
    return CropCache(crops, tuple(keys), tuple(people), np.array(validation, bool))
