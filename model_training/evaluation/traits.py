"""Glasses and beards of the people evaluated on, which no data set tells.

`traits.csv` was filled in by one person looking at the neutral photographs: `glasses` is no, clear
or sunglasses, `beard` is yes for beards, moustaches and clear stubble. It has all of London and the
near-neutral validation faces of FairFace. Elsewhere glasses are looked for, beards are not: by
brightness they could not be told from shadows.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import crop_matrix, cut
from model_training.evaluation.cases import Image
from model_training.synthesis.glasses import LOOK_AT, worn

FILE = Path(__file__).with_name("traits.csv")


def known_traits() -> dict[str, dict[str, str]]:
    """`london/001`, `fairface/val_3639` -> what was seen: `glasses`, `beard`."""
    with FILE.open(newline="", encoding="utf-8") as handle:
        return {row.pop("person"): row for row in csv.DictReader(handle)}


def seen_traits(photo: Image, eyes: NDArray[np.float64]) -> dict[str, str]:
    """`glasses`: yes or no, by the bridge of a frame between the eyes.

    Args:
        photo: uint8 RGB [H, W, 3].
        eyes: [2, 2], right and left eye in its pixels.
    """
    crop = cut(photo, crop_matrix(eyes[0], eyes[1], LOOK_AT), LOOK_AT).image
    return {"glasses": "yes" if worn(crop) else "no"}
