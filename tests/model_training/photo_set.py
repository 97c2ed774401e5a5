"""A tiny training set for `photo`, drawn by the tests: ovals with a mouth that is open or shut."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from model_training.photo.pair_store import write_pairs
from model_training.photo.prepare import MARGIN


def drawn_face(open_mouth: bool, seed: int, size: int = 256) -> NDArray[np.uint8]:
    """A face by the crop contract: eyes level, 0.27 S apart, at 0.44 S."""
    rng = np.random.default_rng(seed)
    skin = tuple(int(c) for c in rng.integers(120, 220, 3))
    image = np.full((size, size, 3), 90, np.uint8)
    middle = size // 2
    cv2.ellipse(
        image, (middle, int(0.56 * size)), (int(0.3 * size), int(0.4 * size)), 0, 0, 360, skin, -1
    )
    for side in (-1, 1):
        eye = (middle + side * round(0.135 * size), round(0.44 * size))
        cv2.circle(image, eye, size // 40, (20, 20, 20), -1)
    mouth = (middle, int(0.74 * size))
    height = size // 16 if open_mouth else size // 100
    cv2.ellipse(image, mouth, (size // 9, height), 0, 0, 360, (60, 20, 30), -1)
    return image


def write_photo_set(folder: Path, count: int = 4) -> tuple[Path, Path]:
    """Write a pair set and a prepared folder; returns both paths."""
    pairs = np.stack([np.stack([drawn_face(False, i), drawn_face(True, i)]) for i in range(count)])
    valid = np.ones((count, 256, 256), bool)
    prepared = folder / "prepared"
    write_pairs(folder / "pairs", pairs, valid)
    write_pairs(prepared / "transplants", pairs, valid)
    write_pairs(prepared / "smiles", pairs, valid)
    side = 256 + MARGIN
    for name, is_open in (("expressive", True), ("neutral", False)):
        crops = np.stack([drawn_face(is_open, i, side) for i in range(count)])
        np.save(prepared / f"{name}.npy", crops)
    np.save(prepared / "rarity.npy", np.ones(count, np.float32))
    np.save(prepared / "panel.npy", pairs[:, 1])
    return folder / "pairs", prepared
