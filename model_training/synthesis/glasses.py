"""Glasses do not bend: find them, and hold what they cover still."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import EYE_MIDPOINT, INTER_OCULAR

Floats = NDArray[np.float32]

LOOK_AT = 200
"""Side in pixels at which frames are looked for: their edges are then about two pixels wide."""
BRIDGE = (0.40, 0.475, 0.46, 0.54)
"""Top, bottom, left and right of the skin between the eyes, where a frame's bridge crosses."""
BRIDGE_EDGE = 0.85
"""Steepest change of log luminance there; bare noses stay below, judged on 300 FairFace faces."""
LENS = (0.125, 0.095)
"""Half axes of a lens with its rim, in crop sides."""
LENS_BELOW_EYE = 0.02
EYE_INSIDE_LENS = (0.062, 0.034)
LIDS, LID_UNITS = (159, 145, 386, 374), ("AU5", "AU7", "AU43")
BROWS, BROW_UNITS = (70, 105, 107, 336, 334, 300), ("AU1", "AU2", "AU4")
"""Landmarks of lids and brows, and the action units that move them."""
DARK_LENS = 0.45
"""Eyes this much darker than the cheeks are behind sunglasses."""


def worn(crop: NDArray[np.uint8]) -> bool:
    """Whether the face in an aligned crop wears glasses with a visible bridge.

    Deep frown lines are sometimes taken for a bridge, which costs those faces a little movement
    around the eyes and nothing else.
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, (LOOK_AT, LOOK_AT), interpolation=cv2.INTER_AREA)
    log = cv2.GaussianBlur(np.log(grey.astype(np.float32) + 20), (0, 0), 1.0)
    edge = np.abs(cv2.Sobel(log, cv2.CV_32F, 0, 1, ksize=3))
    top, bottom, left, right = (round(share * LOOK_AT) for share in BRIDGE)
    return float(np.median(edge[top:bottom, left:right].max(axis=0))) > BRIDGE_EDGE


def held_still(crop: NDArray[np.uint8]) -> Floats:
    """Share of movement to take away at every pixel of an aligned crop, [S, S] in [0, 1].

    The frame and the skin behind it stay; inside a clear lens the eye may blink and turn.
    """
    side = len(crop)
    mask = np.zeros((side, side), np.float32)
    if not worn(crop):
        return mask
    eyes = [(EYE_MIDPOINT[0] + s * INTER_OCULAR / 2, EYE_MIDPOINT[1]) for s in (-1, 1)]
    for x, y in eyes:
        _ellipse(mask, (x, y + LENS_BELOW_EYE), LENS, 1.0)
    bridge = [round(v * side) for v in (eyes[0][0], EYE_MIDPOINT[1] - 0.02)]
    end = [round(v * side) for v in (eyes[1][0], EYE_MIDPOINT[1] + 0.02)]
    cv2.rectangle(mask, bridge, end, 1.0, -1)
    if not _dark(crop, eyes):
        for eye in eyes:
            _ellipse(mask, eye, EYE_INSIDE_LENS, 0.0)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.012 * side), np.float32)


def seen_units(
    still: Floats, landmarks: NDArray[np.floating], units: dict[str, float]
) -> dict[str, float]:
    """The action units that still show: those of lids and brows, as far as they may move.

    Args:
        still: [H, W], see `held_still`.
        landmarks: [478, 2] in its pixels.
        units: action unit -> intensity.
    """
    if not still.any():
        return units
    shown = dict(units)
    for hidden, ids in ((LID_UNITS, LIDS), (BROW_UNITS, BROWS)):
        at = np.clip(landmarks[list(ids)].round().astype(int), 0, len(still) - 1)
        moves = 1 - float(still[at[:, 1], at[:, 0]].mean())
        shown |= {unit: units[unit] * moves for unit in hidden if unit in units}
    return shown


def _ellipse(
    mask: Floats, centre: tuple[float, float], axes: tuple[float, float], value: float
) -> None:
    side = len(mask)
    at = (round(centre[0] * side), round(centre[1] * side))
    cv2.ellipse(
        mask, at, (round(axes[0] * side), round(axes[1] * side)), 0, 0, 360, value, cv2.FILLED
    )


def _dark(crop: NDArray[np.uint8], eyes: list[tuple[float, float]]) -> bool:
    side, grey = len(crop), cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)

    def level(x: float, y: float) -> float:
        half = round(0.03 * side)
        column, row = round(x * side), round(y * side)
        return float(np.median(grey[row - half : row + half, column - half : column + half]))

    lenses = np.mean([level(x, y) for x, y in eyes])
    cheeks = np.mean([level(x, y + 0.15) for x, y in eyes])
    return bool(lenses < DARK_LENS * cheeks)
