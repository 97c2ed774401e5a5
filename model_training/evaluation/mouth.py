"""Whether a mouth is shut, level, sharp and red: teeth, corners, the lips' detail and colour.

Pictures are looked at as aligned crops of 512 px, in which the irises lie 138 px apart, so that the
numbers do not depend on the photograph's resolution. Lengths are given over the distance between
the irises.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import INTER_OCULAR, Image, crop_matrix, cut, transform_points
from model_training.evaluation.cases import FilePicture, stable_order
from model_training.measure.picture import disc, filled, fine_detail
from model_training.portraits.landmarks import (
    INNER_LIP_BOTTOM,
    INNER_LIP_TOP,
    INNER_LIPS,
    LEFT_IRIS,
    LIPS_OUTER,
    RIGHT_IRIS,
    LandmarkTable,
)
from model_training.portraits.split import validation_mask

Points = NDArray[np.float64]

SIZE = 512
"""Side in pixels of the aligned crops."""
EYES_APART = INTER_OCULAR * SIZE
CORNERS = (61, 291)
"""Right and left corner of the mouth, the subject's."""
CHEEKS = ((50, 101, 36, 205, 187), (280, 330, 266, 425, 411))

BRIGHT, UNSATURATED = 0.9, 0.8
"""Teeth have at least this share of the cheeks' CIE L*, and at most that share of their chroma."""
LEAST_CHROMA = 4.0
"""Below it a colour counts as grey (CIELAB units): a grey photograph's teeth go by brightness."""
SLIT = 0.015
"""The opening is widened by this, so that a sliver between lips that touch is seen."""
LIP_EDGE = 0.015
"""So much of the lips' border is left out: the line between them is not their detail."""


def aligned(image: Image, points: NDArray[np.floating]) -> tuple[Image, Points]:
    """The crop and the landmarks in it.

    Args:
        image: uint8 RGB [H, W, 3].
        points: MediaPipe landmarks [478, 2] in its pixels.

    Returns:
        (uint8 RGB [512, 512, 3], float64 [478, 2]).
    """
    points = np.asarray(points, np.float64)
    matrix = crop_matrix(points[RIGHT_IRIS], points[LEFT_IRIS], SIZE)
    return cut(image, matrix, SIZE).image, transform_points(points, matrix)


def teeth_share(image: Image, points: NDArray[np.floating]) -> float:
    """Share of bright, unsaturated pixels between the inner lips, in [0, 1].

    Bright and unsaturated are meant relative to the median of the cheeks, so that light and skin
    tone matter little. Shut lips leave a slit of `2 * SLIT` that is looked at, too: there a glint
    on the lips may count. What true neutral photographs have is the level to compare with.

    Args:
        image: uint8 RGB [H, W, 3].
        points: MediaPipe landmarks [478, 2] in its pixels.
    """
    crop, marks = aligned(image, points)
    lab, skin = _lab_and_skin(crop, marks)
    found = lab[_between_lips(marks, crop.shape)]
    most = max(UNSATURATED * float(np.hypot(skin[1], skin[2])), LEAST_CHROMA)
    teeth = (found[:, 0] >= BRIGHT * skin[0]) & (np.hypot(found[:, 1], found[:, 2]) <= most)
    return float(teeth.mean()) if teeth.size else 0.0


def corner_height(points: NDArray[np.floating]) -> float:
    """How far the corners of the mouth lie above the middle of the lip line, over the eye distance.

    The mean of both corners; negative where they hang. Up is at right angles to the line through
    the irises, so that a tilted head changes nothing.
    """
    across, up = _axes(points)
    middle = np.asarray(points, np.float64)[list(INNER_LIPS)].mean(0)
    rise = (np.asarray(points, np.float64)[list(CORNERS)] - middle) @ up
    return float(rise.mean() / np.linalg.norm(across))


def mouth_width(points: NDArray[np.floating]) -> float:
    """Distance between the corners of the mouth over the distance between the irises."""
    right, left = np.asarray(points, np.float64)[list(CORNERS)]
    return float(np.linalg.norm(left - right) / np.linalg.norm(_axes(points)[0]))


def lip_detail(image: Image, points: NDArray[np.floating]) -> float:
    """Root mean square Laplacian over the lips at 512 px, in grey levels (see `fine_detail`).

    Teeth, the line between the lips and their outer edge are left out. Compare only pictures of
    one person: gloss and chapped lips are detail.
    """
    crop, marks = aligned(image, points)
    return fine_detail(crop, _lips(marks, crop.shape))


def lip_redness(image: Image, points: NDArray[np.floating]) -> float:
    """How much redder the lips are than the cheeks: medians of CIELAB's a*, their difference.

    The mean of upper and lower lip, which laughing changes differently: beside teeth, a small
    JPEG's upper lip loses half of it. 0 in a grey photograph and where no lip is left to look at.
    """
    crop, marks = aligned(image, points)
    lab, skin = _lab_and_skin(crop, marks)
    lips, middle = _lips(marks, crop.shape), marks[list(INNER_LIPS), 1].mean()
    upper = np.arange(SIZE)[:, None] < middle
    both = [lab[lips & half][:, 1] for half in (upper, ~upper)]
    return float(np.mean([np.median(red) - skin[1] if red.size else 0.0 for red in both]))


def _axes(points: NDArray[np.floating]) -> tuple[Points, Points]:
    """From iris to iris in pixels, and the unit vector upwards in the face."""
    points = np.asarray(points, np.float64)
    across = points[LEFT_IRIS] - points[RIGHT_IRIS]
    up = np.array([across[1], -across[0]]) / np.linalg.norm(across)
    return across, up


def _lab_and_skin(crop: Image, marks: Points) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The crop in CIELAB, [512, 512, 3], and the median of its cheeks."""
    lab = cv2.cvtColor(crop.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    cheeks = np.zeros(crop.shape[:2], bool)
    for corners in CHEEKS:
        cheeks |= filled(marks[list(corners)], crop.shape) > 0
    return np.asarray(lab, np.float32), np.median(lab[cheeks], axis=0)


def _lips(marks: Points, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The lips without their edges."""
    inner = cv2.dilate(_opening(marks, shape), disc(LIP_EDGE * EYES_APART))
    outer = filled(marks[list(LIPS_OUTER)], shape)
    return np.asarray((cv2.erode(outer, disc(LIP_EDGE * EYES_APART)) > 0) & (inner == 0))


def _opening(marks: Points, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return filled(marks[[*INNER_LIP_TOP, *reversed(INNER_LIP_BOTTOM)]], shape)


def _between_lips(marks: Points, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    return np.asarray(cv2.dilate(_opening(marks, shape), disc(SLIT * EYES_APART)) > 0)


def calm_teeth(
    data: Path, table: LandmarkTable, sets: Sequence[str], most: int
) -> dict[str, NDArray[np.float64]]:
    """The teeth measure of calm faces, of people who are not in validation.

    Args:
        data: folder that the table's paths start from.
        table: landmarks of the photographs.
        sets: image sets to look through.
        most: so many photographs of a set, in an order that is the same everywhere.

    Returns:
        set -> shares in [0, 1].
    """
    calm = table.near_neutral() & ~np.array(validation_mask(table.paths))
    rows = {table.paths[k]: int(k) for k in np.flatnonzero(calm)}
    found = {}
    for name in sets:
        chosen = stable_order(path for path in rows if path.split("/")[0] == name)[:most]
        shares = [
            teeth_share(FilePicture(data / path, path).read(), table.points[rows[path]])
            for path in chosen
        ]
        found[name] = np.array(shares)
    return found
