"""Pairs of real photographs: an expression, and what `photo` makes of it.

Rendered expressions differ from real ones, and real pairs of one pose and light only smile. A
folder of photographs and the folder that `stoicnet batch` made of it are pairs, too, where the
result reads as calm; both sides are cut at the same place, because `photo` leaves every other pixel
alone. A photograph that is calm already is a pair with itself.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from app.faces.alignment import Image, crop_matrix, cut, inside_photograph
from model_training.errors import InputError
from model_training.portraits.aligned import read_rgb
from model_training.portraits.image_sets import (
    EmptyImageSetError,
    FaceImage,
    image_files,
    in_validation,
)
from model_training.portraits.locate import EyeLocator
from model_training.runs.atomic import atomic_path


class Reading(Protocol):
    """What the service's meter says of a crop."""

    @property
    def score(self) -> float:
        """Sum of blendshapes; about 2 to 2.5 for a calm face."""
        ...

    @property
    def lip_gap(self) -> float:
        """Distance of the inner lips over that of the eyes."""
        ...


MOST_SCORE, MOST_GAP = 3.1, 0.04
"""A face with more is not calm."""
LEAST_CHANGE = 0.4
"""Where the score falls by less, `photo` has hardly changed the face."""


def photographs(folder: Path, dataset: str) -> list[FaceImage]:
    """The training people's photographs of a folder.

    Args:
        folder: of image files.
        dataset: the set they are of, as the landmark table calls it. In `lfw` a file is
            NAME_0001.jpg; in others every file shows another person.

    Raises:
        EmptyImageSetError: there is none.
    """
    found = []
    for file in image_files(folder):
        if dataset == "lfw":
            name = file.stem.rpartition("_")[0]
            found.append(FaceImage(file, f"lfw/{name}/{file.name}", name))
        else:
            found.append(FaceImage(file, f"{dataset}/{file.name}", file.stem))
    kept = [f for f, out in zip(found, in_validation(found), strict=True) if not out]
    if not kept:
        raise EmptyImageSetError(f"{folder} holds no photograph of a training person")
    return kept


def write_teacher_pairs(
    images: Sequence[FaceImage],
    results: Path,
    read: Callable[[Image], Reading],
    locator: EyeLocator,
    size: int,
    out: Path,
) -> int:
    """Write a pair store, laid out as `synthesize` does it, of the faces that are or became calm.

    Args:
        images: photographs of training people.
        results: folder with `NAME.png` for a photograph `NAME`, of the same size.
        read: the meter, for an aligned crop.
        locator: finds the eyes in the photograph.
        size: side of the crops.
        out: folder to write to.

    Returns:
        How many pairs there are.

    Raises:
        InputError: a result is not of its photograph's size.
    """
    kept: list[tuple[FaceImage, Image, Image, NDArray[np.uint8]]] = []
    for image in tqdm(images, desc="pairs", unit="photo"):
        pixels = read_rgb(image.file)
        eyes = locator.eyes(image, pixels)
        if eyes is None:
            continue
        matrix = crop_matrix(*eyes, size)
        source = target = cut(pixels, matrix, size).image
        before = read(source)
        if not _calm(before):
            result = results / f"{image.file.name}.png"
            if not result.is_file():
                continue
            answered = read_rgb(result)
            if answered.shape != pixels.shape:
                raise InputError(f"{result} and {image.file} are not of one size")
            target = cut(answered, matrix, size).image
            after = read(target)
            if not _calm(after) or before.score - after.score < LEAST_CHANGE:
                continue
        whole = np.packbits(inside_photograph(pixels.shape, matrix, size))
        kept.append((image, source, target, whole))
    out.mkdir(parents=True, exist_ok=True)
    with atomic_path(out / "pairs.npy") as temporary, temporary.open("wb") as handle:
        np.save(handle, np.array([(target, source) for _, source, target, _ in kept], np.uint8))
    with atomic_path(out / "valid.npy") as temporary, temporary.open("wb") as handle:
        np.save(handle, np.array([valid for *_, valid in kept], np.uint8))
    with atomic_path(out / "labels.csv") as temporary, temporary.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(("index", "source", "person"))
        writer.writerows((row, image.key, image.person) for row, (image, *_) in enumerate(kept))
    return len(kept)


def _calm(reading: Reading) -> bool:
    return reading.score < MOST_SCORE and reading.lip_gap < MOST_GAP
