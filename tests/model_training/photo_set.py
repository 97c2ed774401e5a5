"""A tiny training set for `photo`, drawn by the tests: ovals with a mouth that is open or shut."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from model_training.photo.pair_store import write_pairs
from model_training.photo.prepare import MARGIN
from model_training.portraits.landmarks import INNER_LIP_BOTTOM, INNER_LIP_TOP
from model_training.synthesis.geometry import PairGeometry

MOUTH, HALF_WIDTH = (0.5, 0.74), 1 / 9
"""Where a mouth is, in crop sides."""
LIP_HEIGHTS = (8.0, 10.0)
"""Pixels from the inner to the outer edge of the upper and of the lower lip."""


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
    mouth = (middle, int(MOUTH[1] * size))
    height = size // 16 if open_mouth else size // 100
    cv2.ellipse(image, mouth, (int(HALF_WIDTH * size), height), 0, 0, 360, (60, 20, 30), -1)
    return image


def drawn_lips(open_mouth: bool, size: int = 256) -> NDArray[np.float32]:
    """The inner lips of a drawn face, [2, 11, 2] from left to right."""
    across = np.linspace(-1, 1, 11)
    x = (MOUTH[0] + across * HALF_WIDTH) * size
    gap = np.sqrt(1 - across**2) * (size / 16 if open_mouth else 0.0)
    return np.stack([np.stack([x, MOUTH[1] * size + sign * gap], 1) for sign in (-1, 1)]).astype(
        np.float32
    )


def drawn_geometry(size: int = 256) -> PairGeometry:
    """Of a drawn face whose mouth opens: skin above the mouth moves up, skin below it down."""
    half = size // 2
    flow = np.zeros((half, half, 2), np.float16)
    top, middle, bottom = (int((MOUTH[1] + d) * half) for d in (-0.1, 0, 0.1))
    left, right = (int((MOUTH[0] + d) * half) for d in (-HALF_WIDTH, HALF_WIDTH))
    flow[top:middle, left:right, 1] = -size / 16
    flow[middle:bottom, left:right, 1] = size / 16
    points = np.zeros((2, 468, 2), np.float32)
    for member, is_open in enumerate((False, True)):
        for indices, edge in zip(
            (INNER_LIP_TOP, INNER_LIP_BOTTOM), drawn_lips(is_open, size), strict=True
        ):
            points[member, list(indices)] = edge
        upper, lower = points[member, 13], points[member, 14]
        points[member, 0] = upper - np.array([0, LIP_HEIGHTS[0]])
        points[member, 17] = lower + np.array([0, LIP_HEIGHTS[1]])
    opening = np.zeros((size, size), np.uint8)
    centre = int(MOUTH[0] * size), int(MOUTH[1] * size)
    cv2.ellipse(opening, centre, (int(HALF_WIDTH * size), size // 16), 0, 0, 360, 1, -1)
    return PairGeometry(flow, np.ones((half, half), bool), opening.astype(bool), points)


def write_photo_set(folder: Path, count: int = 4) -> tuple[Path, Path]:
    """Write a pair set and a prepared folder; returns both paths."""
    pairs = np.stack([np.stack([drawn_face(False, i), drawn_face(True, i)]) for i in range(count)])
    valid = np.ones((count, 256, 256), bool)
    prepared = folder / "prepared"
    for place in (folder / "pairs", prepared / "smiles"):
        write_pairs(place, pairs, valid, [drawn_geometry()] * count)
    side = 256 + MARGIN
    for name, is_open in (("expressive", True), ("neutral", False)):
        crops = np.stack([drawn_face(is_open, i, side) for i in range(count)])
        np.save(prepared / f"{name}.npy", crops)
        np.save(prepared / f"{name}-lips.npy", np.stack([drawn_lips(is_open, side)] * count))
    guessed = drawn_geometry(side)
    np.save(prepared / "expressive-flow.npy", np.stack([guessed.flow] * count))
    np.save(prepared / "expressive-known.npy", np.stack([guessed.known] * count))
    line = drawn_lips(False, side).mean(0)
    np.save(prepared / "expressive-line.npy", np.stack([line] * count))
    np.save(prepared / "rarity.npy", np.ones(count, np.float32))
    np.save(prepared / "panel.npy", pairs[:, 1])
    return folder / "pairs", prepared
