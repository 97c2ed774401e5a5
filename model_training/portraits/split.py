"""Who belongs to validation: one definition for synthesis, training and evaluation.

The split is by person and depends on names alone, so it is the same on every machine and does not
move when images are added. Photographs in FairFace and canada show one person each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import PurePosixPath

LONDON_STRIDE = 5


def london_validation_ids(ids: Iterable[str]) -> frozenset[str]:
    """Every fifth person of the Face Research Lab London Set, counted over the sorted ids."""
    return frozenset(sorted(set(ids))[::LONDON_STRIDE])


def hashed_into_validation(person: str) -> bool:
    """One name in sixteen: SHA-256 of the name, in hexadecimal, ends in 0."""
    return hashlib.sha256(person.encode()).hexdigest().endswith("0")


def person_of(path: str) -> str:
    """The person an image of the training sets shows, from its path relative to the data folder.

    `london/neutral/001.jpg` -> `001`, `lfw/Ann_Lee/Ann_Lee_0001.jpg` -> `Ann_Lee`,
    `fairface/train_5.jpg` -> `train_5`.
    """
    pure = PurePosixPath(path)
    return pure.parent.name if pure.parts[0] == "lfw" else pure.stem


def validation_mask(paths: Iterable[str]) -> list[bool]:
    """For every image path (relative to the data folder): does its person belong to validation?"""
    listed = list(paths)
    london = london_validation_ids(person_of(p) for p in listed if p.startswith("london/"))
    return [
        person_of(p) in london if p.startswith("london/") else hashed_into_validation(person_of(p))
        for p in listed
    ]
