"""Aligned crops of any number of images in one memory-mapped file, made once.

crops.npy    uint8 RGB [N, S, S, 3] (rows past the last face are unused)
index.csv    one line a crop: key, person, validation
skipped.csv  images without a usable face, and why
cache.json   what the cache was made from; written last, so a broken-off build is made again
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from app.faces.alignment import DegenerateEyesError, Image, crop_matrix, cut
from model_training.portraits.aligned import read_rgb
from model_training.portraits.image_sets import FaceImage, in_validation
from model_training.portraits.locate import EyeLocator
from model_training.runs.atomic import atomic_path


@dataclass(frozen=True)
class CropCache:
    """Crops of N faces.

    Attributes:
        crops: uint8 RGB [N, S, S, 3], memory-mapped and read-only.
        keys: N image keys.
        people: N person names.
        validation: bool [N]; these people must not be trained on.
    """

    crops: NDArray[np.uint8]
    keys: tuple[str, ...]
    people: tuple[str, ...]
    validation: NDArray[np.bool_]

    @classmethod
    def open(cls, folder: Path) -> CropCache:
        """Open a finished cache; `FileNotFoundError` if there is none."""
        if not (folder / "cache.json").exists():
            raise FileNotFoundError(f"{folder} holds no finished crop cache")
        with (folder / "index.csv").open(newline="") as handle:
            rows = list(csv.DictReader(handle))
        crops = np.load(folder / "crops.npy", mmap_mode="r")
        return cls(
            crops=crops[: len(rows)],
            keys=tuple(row["key"] for row in rows),
            people=tuple(row["person"] for row in rows),
            validation=np.array([row["validation"] == "1" for row in rows], bool),
        )

    def __len__(self) -> int:
        return len(self.keys)


def fingerprint(images: Sequence[FaceImage], locator: EyeLocator, size: int) -> str:
    """SHA-256 of everything the crops depend on: keys, file sizes, locator and crop side."""
    content = [size, locator.name, [(i.key, i.person, i.file.stat().st_size) for i in images]]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def crop_face(image: FaceImage, locator: EyeLocator, size: int) -> Image | str:
    """The aligned crop, uint8 RGB [S, S, 3], or the reason why there is none."""
    try:
        pixels = read_rgb(image.file)
    except OSError:
        return "not a readable image"
    if image.grey:
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        pixels = np.repeat(grey[..., None], 3, axis=2)
    eyes = locator.eyes(image, pixels)
    if eyes is None:
        return "no face found"
    try:
        return cut(pixels, crop_matrix(*eyes, size), size).image
    except DegenerateEyesError as error:
        return str(error)


def build_crops(
    images: Sequence[FaceImage], locator: EyeLocator, size: int, folder: Path
) -> CropCache:
    """Open the cache of these images in `folder`, after making it if it is not there yet.

    Args:
        images: what to crop; sets may be mixed.
        locator: finds the eyes.
        size: side S of the crops in pixels.
        folder: where the cache lies; one that was made from other images is replaced.

    Raises:
        ValueError: no image has a usable face.
    """
    wanted = fingerprint(images, locator, size)
    note = folder / "cache.json"
    if note.exists() and json.loads(note.read_text())["fingerprint"] == wanted:
        return CropCache.open(folder)
    folder.mkdir(parents=True, exist_ok=True)
    note.unlink(missing_ok=True)
    validation = in_validation(images)
    rows, skipped = [("key", "person", "validation")], [("key", "reason")]
    with atomic_path(folder / "crops.npy") as temporary:
        crops = np.lib.format.open_memmap(
            temporary, mode="w+", dtype=np.uint8, shape=(len(images), size, size, 3)
        )
        progress = tqdm(images, desc=f"crops {size} px", unit="image", mininterval=1.0)
        for image, held_out in zip(progress, validation, strict=True):
            crop = crop_face(image, locator, size)
            if isinstance(crop, str):
                skipped.append((image.key, crop))
                continue
            crops[len(rows) - 1] = crop
            rows.append((image.key, image.person, str(int(held_out))))
        crops.flush()
        del crops
    if len(rows) == 1:
        raise ValueError(f"none of {len(images)} images has a usable face ({skipped[1][1]})")
    for name, table in (("index.csv", rows), ("skipped.csv", skipped)):
        with atomic_path(folder / name) as temporary, temporary.open("w", newline="") as handle:
            csv.writer(handle).writerows(table)
    with atomic_path(note) as temporary:
        summary = {"fingerprint": wanted, "size": size, "crops": len(rows) - 1}
        temporary.write_text(json.dumps({**summary, "skipped": len(skipped) - 1}))
    return CropCache.open(folder)
