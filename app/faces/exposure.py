"""Light for the networks: a dark face is shown to them brighter, and nobody else sees that.

A gain on the coded values is linear, so what a network changes goes back divided by it: the
photograph keeps its own light, and stays as it is where the network did nothing.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import core_of

Image = NDArray[np.uint8]

DARK, LIT, MOST = 70.0, 150.0, 12.0
"""Grey levels of a face's brightest part under which it is dark, and it is lit to; most gain."""
_BRIGHTEST = 0.95  # quantile: skin of every colour has highlights where there is light
_EYES, _EYE_HALF = ((0.365, 0.455), (0.635, 0.455)), (0.075, 0.045)
_CHEEKS, _CHEEK_HALF = ((0.37, 0.60), (0.63, 0.60)), (0.05, 0.04)
"""Centres of eyes with their lids and of cheeks, and half their sizes, in crop sides."""
_OF_THE_EYE = 80
"""Percentile of an eye's pixels: skin and white, not lashes and pupil."""


def brightness(crop: Image) -> float:
    """Of the brightest part of the face in an aligned crop, uint8 RGB [S, S, 3]; 0 to 255."""
    grey = cv2.cvtColor(crop[core_of(crop.shape[0])], cv2.COLOR_RGB2GRAY)
    # By counting: every request pays for it, and NumPy's quantile takes 2 ms of a large crop.
    up_to = cv2.calcHist([grey], [0], None, [256], [0, 256]).cumsum()
    rank = (grey.size - 1) * _BRIGHTEST
    low, high = np.searchsorted(up_to, [math.floor(rank), math.ceil(rank)], side="right")
    return float(low + (high - low) * (rank % 1))


def light_of_eyes(crop: Image) -> float:
    """How bright the eyes are beside the cheeks in an aligned crop, uint8 RGB [S, S, 3].

    Of the brighter eye, because a turned head has one in its own shadow. About 0.9 for most
    people; under 0.4 the eyes are behind dark glasses, or in a deep shadow.
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    shares = []
    for eye, cheek in zip(_EYES, _CHEEKS, strict=True):
        lit_up = float(np.percentile(_patch(grey, eye, _EYE_HALF), _OF_THE_EYE))
        shares.append(lit_up / max(8.0, float(np.median(_patch(grey, cheek, _CHEEK_HALF)))))
    return max(shares)


def _patch(
    grey: NDArray[np.float32], centre: tuple[float, float], half: tuple[float, float]
) -> NDArray[np.float32]:
    side = grey.shape[0]
    (left, right), (top, bottom) = (
        (round((at - reach) * side), round((at + reach) * side))
        for at, reach in zip(centre, half, strict=True)
    )
    return grey[top:bottom, left:right]


def gain_for(crop: Image) -> float:
    """What to multiply a crop's values with before a network sees it; 1 where there is light."""
    level = brightness(crop)
    return 1.0 if level >= DARK else min(MOST, LIT / max(level, 1.0))


def lit(crop: Image, gain: float) -> Image:
    """The crop as a network is shown it; itself for a gain of 1."""
    if gain == 1.0:
        return crop
    shown = np.clip(np.rint(crop.astype(np.float32) * gain), 0, 255)
    return np.asarray(shown, np.uint8)


def unlit(crop: Image, shown: Image, neutral: Image, gain: float) -> Image:
    """A network's answer in the crop's own light: its changes alone, divided by the gain."""
    if gain == 1.0:
        return neutral
    change = (neutral.astype(np.float32) - shown) / gain
    return np.asarray(np.clip(np.rint(crop + change), 0, 255), np.uint8)
