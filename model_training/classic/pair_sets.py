"""Pairs (source, target) of one person for the third stage, whatever they come from.

The source wears what is to be removed (an expression, glasses), the target does not. Images are
kept once and pairs point to them, because one neutral face is the target of many pairs.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import Image
from model_training.portraits.aligned import read_rgb
from model_training.portraits.crops import CropCache
from model_training.portraits.image_sets import SUFFIXES, EmptyImageSetError, FaceImage
from model_training.portraits.split import hashed_into_validation, person_of

HELD_OUT_STRIDE = 16
"""Where no pair belongs to a validation person, every sixteenth person is held out instead."""
_PATH_COLUMNS = ("photo", "path", "image", "source", "file")


@dataclass(frozen=True)
class PairSet:
    """N pairs over M images.

    Attributes:
        images: uint8 RGB [M, S, S, 3], aligned crops; may be memory-mapped.
        source: int [N], rows of `images`.
        target: int [N], rows of `images`.
        people: N person names; pairs of one person share it.
        held_out: bool [N]; pairs that are measured on and never fitted.
        valid: uint8 [N, S * S / 8], packed bits: the pixel comes from the photograph, not from its
            repeated border; None where all do.
        datasets: the sets its photographs are of, as far as its labels say.
    """

    images: NDArray[np.uint8]
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    people: tuple[str, ...]
    held_out: NDArray[np.bool_]
    valid: NDArray[np.uint8] | None = None
    datasets: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.people)


def hold_out(people: Sequence[str]) -> NDArray[np.bool_]:
    """bool [N]: the pairs of validation people.

    Pair sets usually leave those out already; then every sixteenth person (by sorted name, at
    least one of two) is held out, so that there is always somebody to measure on.
    """
    chosen = {p for p in set(people) if hashed_into_validation(p)}
    if len(chosen) * 50 < len(set(people)):
        chosen |= set(sorted(set(people))[::HELD_OUT_STRIDE])
    if chosen == set(people) and len(chosen) > 1:
        chosen = {min(chosen)}
    return np.array([p in chosen for p in people], bool)


def open_pair_store(folder: Path) -> PairSet:
    """Open `pairs.npy` (uint8 RGB [N, 2, S, S, 3]: target, source) with its `labels.csv`.

    `labels.csv` has one line a pair and a column `person`, or one that names the photograph;
    without the file every pair shows a person of its own. A column `index` says which pair a line
    describes; without it, lines are in order.

    Raises:
        FileNotFoundError: there is no `pairs.npy`.
        ValueError: the shape, or the number of labels, is wrong.
    """
    pairs = np.load(folder / "pairs.npy", mmap_mode="r")
    if pairs.ndim != 5 or pairs.shape[1] != 2 or pairs.shape[2] != pairs.shape[3]:
        raise ValueError(f"{folder / 'pairs.npy'} has shape {pairs.shape}, not [N, 2, S, S, 3]")
    rows = np.arange(len(pairs))
    people = [f"pair-{row}" for row in rows]
    datasets: set[str] = set()
    labels = folder / "labels.csv"
    if labels.exists():
        with labels.open(newline="") as handle:
            lines = list(csv.DictReader(handle))
        people = [_person(line, labels) for line in lines]
        sources = (line.get("source") or "" for line in lines)
        datasets = {source.split("/", 1)[0] for source in sources if "/" in source}
        rows = np.array([int(line.get("index") or i) for i, line in enumerate(lines)], np.int64)
    if not len(rows) or rows.max() >= len(pairs):
        raise ValueError(f"{labels} describes pairs that {folder / 'pairs.npy'} does not hold")
    images = pairs.reshape(-1, *pairs.shape[2:])
    masks = folder / "valid.npy"
    valid = np.load(masks, mmap_mode="r")[rows] if masks.exists() else None
    held_out = hold_out(people)
    source, target = 2 * rows + 1, 2 * rows
    return PairSet(images, source, target, tuple(people), held_out, valid, frozenset(datasets))


def _person(line: dict[str, str], labels: Path) -> str:
    if line.get("person"):
        return line["person"]
    for column in _PATH_COLUMNS:
        if line.get(column):
            return person_of(line[column])
    raise ValueError(f"{labels} has no column `person` (or {', '.join(_PATH_COLUMNS)})")


def list_pair_files(folder: Path) -> list[tuple[Path, Path, str]]:
    """(source, target, person) of a plain folder of image files.

    Either `pairs.csv` with the columns source, target, person (paths relative to the folder), or
    two subfolders `source/` and `target/` with files of the same name; then the person is the
    name up to `__`, as in `ann__smiling.jpg`.

    Raises:
        EmptyImageSetError: the folder is laid out otherwise, or holds no complete pair.
    """
    listing = folder / "pairs.csv"
    if listing.exists():
        with listing.open(newline="") as handle:
            found = [
                (folder / line["source"], folder / line["target"], line["person"])
                for line in csv.DictReader(handle)
            ]
    else:
        targets = {p.stem: p for p in (folder / "target").glob("*") if p.suffix.lower() in SUFFIXES}
        found = [
            (p, targets[p.stem], p.stem.split("__")[0])
            for p in sorted((folder / "source").glob("*"))
            if p.stem in targets and p.suffix.lower() in SUFFIXES
        ]
    if not found:
        raise EmptyImageSetError(
            f"{folder} holds no pairs: expected pairs.npy, pairs.csv, or source/ and target/ "
            "with files of the same name"
        )
    return found


def pair_file_images(folder: Path) -> list[tuple[FaceImage, FaceImage]]:
    """The files of `list_pair_files` as images to crop; a target shared by pairs stays shared."""
    return [
        (
            FaceImage(source, f"pairs/{source.relative_to(folder).as_posix()}", person),
            FaceImage(target, f"pairs/{target.relative_to(folder).as_posix()}", person),
        )
        for source, target, person in list_pair_files(folder)
    ]


def open_aligned_files(folder: Path, size: int) -> PairSet:
    """Pairs of image files that are aligned crops already: square, resized to `size`.

    Raises:
        EmptyImageSetError: see `list_pair_files`.
        ValueError: an image is not square.
    """
    listed = list_pair_files(folder)
    files = list(dict.fromkeys(f for source, target, _ in listed for f in (source, target)))
    row = {file: index for index, file in enumerate(files)}
    people = tuple(person for _, _, person in listed)
    return PairSet(
        images=np.stack([resize(_square(file), size) for file in files]),
        source=np.array([row[source] for source, _, _ in listed], np.int64),
        target=np.array([row[target] for _, target, _ in listed], np.int64),
        people=people,
        held_out=hold_out(people),
    )


def _square(file: Path) -> Image:
    image = read_rgb(file)
    if image.shape[0] != image.shape[1]:
        raise ValueError(f"{file} is {image.shape[1]}x{image.shape[0]}: not an aligned crop")
    return image


def resize(image: Image, size: int) -> Image:
    """An aligned crop at another side, uint8 [size, size, 3], averaged when it shrinks."""
    if image.shape[0] == size:
        return image
    way = cv2.INTER_AREA if size < image.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (size, size), interpolation=way), np.uint8)


def pairs_in_cache(cache: CropCache, pairs: Iterable[tuple[FaceImage, FaceImage]]) -> PairSet:
    """Pairs whose images were cropped into `cache`; pairs with a face that was not found go.

    The cache knows who belongs to validation; if nobody does, people are held out as in
    `hold_out`.

    Raises:
        ValueError: no pair is left.
    """
    row = {key: index for index, key in enumerate(cache.keys)}
    kept = [(s, t) for s, t in pairs if s.key in row and t.key in row]
    if not kept:
        raise ValueError("no pair has both faces in the crop cache")
    source = np.array([row[s.key] for s, _ in kept], np.int64)
    target = np.array([row[t.key] for _, t in kept], np.int64)
    people = tuple(s.person for s, _ in kept)
    held_out = cache.validation[source]
    if not held_out.any() or held_out.all():
        held_out = hold_out(people)
    return PairSet(cache.crops, source, target, people, held_out)


def london_pairs(images: Iterable[FaceImage]) -> list[tuple[FaceImage, FaceImage]]:
    """(smiling, neutral) of every person of the London set that has both."""
    listed = [i for i in images if i.dataset == "london"]
    neutral = {i.person: i for i in listed if "/neutral/" in i.key}
    return [(i, neutral[i.person]) for i in listed if "/smiling/" in i.key and i.person in neutral]
