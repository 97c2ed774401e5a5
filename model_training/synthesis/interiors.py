"""Real mouths: teeth and tongue from expressive photographs, put between a subject's lips."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model_training.portraits.landmarks import (
    INNER_LIP_BOTTOM,
    INNER_LIP_TOP,
)
from model_training.synthesis.lighting import LUMA, to_linear, white_point
from model_training.synthesis.photos import Portrait

Floats = NDArray[np.float32]

WIDTH, HEIGHT = 128, 64
"""Mouths are kept stretched to a rectangle: columns from corner to corner, rows from the upper to
the lower lip's edge."""
INSET = 0.04
"""Share of the opening left out at each lip: landmarks lie on the lip as often as inside."""
SAMPLES = 24
SHARP_ENOUGH = 3.0
TONGUE_GREEN = 0.5
"""Where the brightest parts have less green than this share of red, they are tongue."""
TOOTH_HUE = (1.0, 0.94, 0.82)
TEETH_TO_EYES = (0.6, 2.2)
"""Plausible brightness of a mouth's brightest parts, in whites of the eyes."""
SMALLEST_GAP = 0.06
"""Openings narrower than this share of the inter-ocular distance show nothing worth keeping."""


@dataclass(frozen=True, slots=True)
class Mouth:
    """The inside of one photographed mouth.

    Attributes:
        texture: uint8 RGB [HEIGHT, WIDTH, 3].
        shape: float32 [3]: height over width, how far the corners lie above the middle of the
            opening, and how much fuller the lower arc is than the upper, as shares of the width.
        white: float32 [3], linear RGB of something white in the photograph's light.
    """

    texture: NDArray[np.uint8]
    shape: Floats
    white: Floats


def aperture_shape(top: Floats, bottom: Floats, width: float) -> Floats:
    """Describe an opening by its upper and lower edges, sampled evenly from corner to corner.

    Args:
        top: y (down) of the upper edge, [n].
        bottom: y of the lower edge, [n].
        width: distance of the corners.
    """
    middle = slice(len(top) // 3, 2 * len(top) // 3 + 1)
    corner = (top[0] + bottom[0] + top[-1] + bottom[-1]) / 4
    upper, lower = float(top[middle].mean()), float(bottom[middle].mean())
    height, lift = (lower - upper) / width, ((upper + lower) / 2 - corner) / width
    fullness = ((lower - corner) - (corner - upper)) / width
    return np.array([height, lift, fullness], np.float32)


def take_mouth(face: Portrait) -> Mouth | None:
    """Cut the mouth's inside out of an expressive portrait; None if it shows too little."""
    top_line = face.landmarks[list(INNER_LIP_TOP)]
    bottom_line = face.landmarks[list(INNER_LIP_BOTTOM)]
    left, right = (top_line[0] + bottom_line[0]) / 2, (top_line[-1] + bottom_line[-1]) / 2
    width = float(right[0] - left[0])
    inter_ocular = 0.27 * len(face.image)
    gap = float(np.mean(bottom_line[4:7, 1] - top_line[4:7, 1]))
    if width < 10 or gap < SMALLEST_GAP * inter_ocular:
        return None
    columns = np.linspace(left[0], right[0], WIDTH)
    top, bottom = (_edge(line, columns) for line in (top_line, bottom_line))
    rows = np.linspace(INSET, 1 - INSET, HEIGHT)[:, None]
    at_y = top[None] + rows * np.maximum(bottom - top, 0)[None]
    at_x = np.broadcast_to(columns[None], at_y.shape)
    texture = cv2.remap(
        face.image, at_x.astype(np.float32), at_y.astype(np.float32), cv2.INTER_CUBIC
    )
    if not _plausible(np.asarray(texture, np.uint8)):
        return None
    spread = np.linspace(0, WIDTH - 1, SAMPLES).astype(int)
    shape = aperture_shape(top[spread], bottom[spread], width)
    return Mouth(np.asarray(texture, np.uint8), shape, white_point(face.image, face.landmarks))


def _plausible(texture: NDArray[np.uint8]) -> bool:
    """Coloured, warm and sharp: no grey photograph, no microphone or hand, no blur."""
    red, green, blue = texture.reshape(-1, 3).astype(float).mean(0)
    coloured = abs(red - blue) + abs(red - green) > 5
    detail = float(cv2.Laplacian(cv2.cvtColor(texture, cv2.COLOR_RGB2GRAY), cv2.CV_32F).std())
    warm = red > blue and red > 0.95 * green and blue > 0.25 * red and green > 0.35 * red
    return bool(coloured and warm and detail > SHARP_ENOUGH)


def _edge(line: NDArray[np.floating], columns: NDArray[np.floating]) -> Floats:
    """Height of a lip's edge at the given columns."""
    order = np.argsort(line[:, 0])
    return np.asarray(np.interp(columns, line[order, 0], line[order, 1]), np.float32)


def choose(mouths: list[Mouth], wanted: Floats, rng: np.random.Generator) -> Mouth | None:
    """A mouth whose opening has nearly the wanted shape; None if there is none like it."""
    if not mouths:
        return None
    shapes = np.stack([mouth.shape for mouth in mouths])
    scale = np.array([1.0, 0.6, 0.3], np.float32)
    distance = np.linalg.norm((shapes - wanted) * scale, axis=1)
    nearest = np.argsort(distance, kind="stable")[:12]
    near = nearest[distance[nearest] < 0.16]
    return mouths[int(rng.choice(near))] if len(near) else None


@dataclass(frozen=True, slots=True)
class Opening:
    """The opening between the lips in a rendering.

    Attributes:
        left: first column.
        top: y of the upper edge in each column, [n].
        bottom: y of the lower edge in each column, [n].
    """

    left: int
    top: Floats
    bottom: Floats

    def shape(self) -> Floats:
        """See `aperture_shape`."""
        at = np.linspace(0, len(self.top) - 1, SAMPLES).astype(int)
        return aperture_shape(self.top[at], self.bottom[at], float(len(self.top)))


def find_opening(mouth: NDArray[np.bool_], scale: float) -> Opening | None:
    """Edges of the visible mouth's inside [H, W]; None if it is (nearly) closed.

    Args:
        mouth: pixels of the mouth's inside.
        scale: pixels per centimetre.
    """
    columns = np.flatnonzero(mouth.any(axis=0))
    if len(columns) < 1.5 * scale:
        return None
    span = mouth[:, columns[0] : columns[-1] + 1]
    filled = span.any(axis=0)
    at = np.arange(span.shape[1])
    top = np.interp(at, at[filled], span.argmax(axis=0)[filled])
    bottom = np.interp(at, at[filled], (len(span) - span[::-1].argmax(axis=0))[filled])
    if float(np.max(bottom - top)) < max(2.0, 0.12 * scale):
        return None
    return Opening(int(columns[0]), _smooth(top), _smooth(bottom))


def _smooth(line: NDArray[np.floating]) -> Floats:
    padded = np.pad(line, 2, mode="edge")
    return np.convolve(padded, np.ones(5) / 5, mode="valid").astype(np.float32)


def fill(mouth: Mouth, opening: Opening, visible: NDArray[np.bool_], white: Floats) -> Floats:
    """The mouth's inside stretched into an opening, linear RGB [H, W, 3], zero elsewhere.

    Args:
        mouth: the donor.
        opening: from `find_opening`.
        visible: bool [H, W], pixels of the mouth's inside.
        white: `white_point` of the subject; the donor's is exchanged for it.
    """
    rows, columns = np.nonzero(visible)
    index = columns - opening.left
    height = np.maximum(opening.bottom[index] - opening.top[index], 1)
    at_y = (rows + 0.5 - opening.top[index]) / height * HEIGHT - 0.5
    at_x = (index + 0.5) / len(opening.top) * WIDTH - 0.5
    picked = cv2.remap(
        mouth.texture,
        at_x[None].astype(np.float32),
        np.clip(at_y, 0, HEIGHT - 1)[None].astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    gain = _exchange_light(mouth, white)
    inside = np.zeros((*visible.shape, 3), np.float32)
    light = to_linear(np.asarray(picked, np.uint8))[0] * gain
    inside[rows, columns] = np.minimum(light, 0.9)
    return inside


def _exchange_light(mouth: Mouth, white: Floats) -> Floats:
    """Factor [3] that takes a mouth from its own photograph's light into another's.

    Its brightest parts keep their relation to the whites of the eyes, within what teeth can do.
    They get a tooth's hue under the other light, unless they are red: then they are tongue.
    """
    pixels = to_linear(mouth.texture).reshape(-1, 3)
    light = pixels @ LUMA
    bright = pixels[light >= np.quantile(light, 0.85)].mean(0)
    level, own, other = (float(colour @ LUMA) for colour in (bright, mouth.white, white))
    relation = np.clip(level / max(own, 1e-3), *TEETH_TO_EYES)
    gain = relation * other / max(level, 1e-3)
    if bright[1] < TONGUE_GREEN * bright[0]:
        return np.full(3, gain, np.float32)
    wanted = np.array(TOOTH_HUE) * (white / max(other, 1e-4)) ** 0.7
    hue = (wanted / (wanted @ LUMA)) / np.maximum(bright / max(level, 1e-4), 0.1)
    return np.asarray(gain * np.clip(hue, 0.5, 2.5), np.float32)
