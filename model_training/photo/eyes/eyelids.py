"""Closed lids put on open eyes: training pairs for the network that opens eyes.

No open data set shows the same eye open and shut in one photograph. So the eye in an aligned patch
is shut in one of two ways, and the photograph stays the target. *Transplanted*: another person's
really closed lids are laid over it and take on its light. *Drawn*: skin is pulled down over the
opening, the opening itself is filled from its surroundings, and a line of lashes is drawn where the
lids meet. A network that only saw drawn lids drew small eyes with black rims on real ones.

Closing eyes rendered from the face model (`synthesize --expression eyes_closing`) stretch the
little skin between lashes and crease until it is streaks; lids made here are smooth, as real ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import Image
from model_training.portraits.landmarks import FloatArray

_FINE = 4
"""Lashes are drawn this many times larger and averaged."""


def _curve(points: FloatArray, count: int) -> FloatArray:
    """`count` points along a contour, evenly by x; the contour is smoothed a little."""
    order = np.argsort(points[:, 0])
    x = np.linspace(points[order[0], 0], points[order[-1], 0], count)
    y = np.interp(x, points[order, 0], points[order, 1])
    wide = np.convolve(np.pad(y, 2, mode="edge"), np.ones(5) / 5, "valid")
    return np.stack([x, wide], 1).astype(np.float32)


def _fill(image: FloatArray, hole: FloatArray) -> FloatArray:
    """The image with its hole [H, W] in [0, 1] filled smoothly from around it."""
    known = 1 - hole
    filled = image.copy()
    done = known.copy()
    for sigma in (2.0, 4.0, 8.0, 16.0):
        weight = cv2.GaussianBlur(done, (0, 0), sigma)
        average = cv2.GaussianBlur(filled * done[..., None], (0, 0), sigma)
        average = average / np.maximum(weight, 1e-4)[..., None]
        # Trust what lies near; the next, wider, average fills what is still far from everything.
        near = (np.clip((weight - 0.15) / 0.2, 0, 1) if sigma < 16 else 1) * (1 - done)
        filled += near[..., None] * (average - filled)
        done += near
    smooth = cv2.GaussianBlur(filled, (0, 0), 2.5)
    soft = cv2.GaussianBlur(hole, (0, 0), 1.5)[..., None]
    return np.asarray(filled * (1 - soft) + smooth * soft, np.float32)


def _pull_down(image: FloatArray, top: float, bottom: float, amount: float) -> FloatArray:
    """Stretch the rows between brow and lower lid downwards by up to `amount` pixels."""
    height, width = image.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    place = np.clip((y - top) / max(bottom - top, 1.0), 0, 1)
    fall = np.clip((bottom + 4 - y) / 8, 0, 1)
    side = np.clip(1 - ((x - width / 2) / (0.42 * width)) ** 2, 0, 1)
    moved = amount * (place * place * (3 - 2 * place)) * fall * side
    return np.asarray(
        cv2.remap(image, x, y - moved, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE),
        np.float32,
    )


def _lashes(
    shape: tuple[int, int], line: FloatArray, eye_width: float, rng: np.random.Generator
) -> FloatArray:
    """Coverage [H, W] in [0, 1] of the line where the lids meet, with lashes hanging from it."""
    canvas = np.zeros((shape[0] * _FINE, shape[1] * _FINE), np.uint8)
    fine = (line * _FINE).round().astype(np.int32)
    thickness = max(1, round(float(rng.uniform(0.012, 0.08)) * eye_width * _FINE))
    cv2.polylines(canvas, [fine], False, 255, thickness, cv2.LINE_AA)
    if rng.random() < 0.7:
        length = float(rng.uniform(0.03, 0.16)) * eye_width
        thin = max(1, round(float(rng.uniform(0.1, 0.45)) * thickness))
        for place in rng.uniform(0.05, 0.95, int(rng.integers(12, 40))):
            root = line[int(place * (len(line) - 1))]
            # Lashes fan out: those at the outer corner (left) point outwards.
            lean = (place - 0.6) * 1.2 + rng.normal(0, 0.15)
            tip = root + length * rng.uniform(0.5, 1.1) * np.array([np.sin(lean), np.cos(lean)])
            ends = np.stack([root, tip]) * _FINE
            cv2.polylines(canvas, [ends.round().astype(np.int32)], False, 255, thin, cv2.LINE_AA)
    small = cv2.resize(canvas, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small.astype(np.float32) / 255, (0, 0), float(rng.uniform(0.4, 2.6)))
    return np.asarray(np.clip(blurred * 1.2, 0, 1), np.float32)


def close_eye(
    patch: Image, upper: FloatArray, lower: FloatArray, rng: np.random.Generator
) -> tuple[Image, NDArray[np.bool_]]:
    """Shut the eye of a patch.

    Args:
        patch: uint8 RGB [H, W, 3], a right eye (outer corner on the left) or a mirrored left one.
        upper: float32 [N, 2], contour of the upper lid in patch pixels, outer corner first.
        lower: float32 [N, 2], contour of the lower lid.
        rng: the run's generator.

    Returns:
        The patch with closed lids, and bool [H, W], where it was drawn over.
    """
    height, width = patch.shape[:2]
    above, below = _curve(upper, 33), _curve(lower, 33)
    eye_width = float(np.ptp(upper[:, 0]))
    opening = np.zeros((height, width), np.uint8)
    ring = np.concatenate([above, below[::-1]]).round().astype(np.int32)
    cv2.fillPoly(opening, [ring], 1)
    # The rim: lashes and lid margins would be smeared over the lid.
    rim = max(2, round(float(rng.uniform(0.06, 0.13)) * eye_width))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * rim + 1, 2 * rim + 1))
    hole = cv2.dilate(opening, kernel)
    # Upwards as far as the crease, which may go, too.
    reach = float(rng.choice([0.06, 0.12, 0.25])) * eye_width
    for lift in np.linspace(0, reach, 4).round().astype(int):
        hole = np.maximum(hole, np.roll(hole, -int(lift), 0))
    image = patch.astype(np.float32)
    filled = _fill(image, hole.astype(np.float32))

    # Grain of the skin below the eye, so that the lid isn't smoother than the rest of the face.
    grain = image - cv2.GaussianBlur(image, (0, 0), 1.5)
    grain = np.roll(grain * (1 - hole[..., None]), -round(0.45 * eye_width), 0) * float(
        rng.uniform(0.3, 1.0)
    )
    soft = cv2.GaussianBlur(hole.astype(np.float32), (0, 0), 1.2)[..., None]
    filled = filled + soft * np.clip(grain, -12, 12)

    opened = float(below[16, 1] - above[16, 1])
    top = float(above[:, 1].min()) - 0.5 * eye_width
    filled = _pull_down(filled, top, float(below[:, 1].max()), float(rng.uniform(0, 0.7)) * opened)

    # The ball under the lid catches light in its middle and falls into shadow at its rim.
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    middle = (above[16] + below[16]) / 2
    radius = np.hypot((x - middle[0]) / (0.5 * eye_width), (y - middle[1]) / (0.38 * eye_width))
    gain = 1 + float(rng.uniform(-0.05, 0.16)) * np.exp(-(radius**2) * 1.5)
    gain -= float(rng.uniform(0, 0.15)) * np.exp(-(((radius - 1.0) / 0.3) ** 2))
    filled = filled * gain[..., None]

    shut = float(rng.uniform(0.75, 1.1))
    across = np.linspace(-1, 1, 33)[:, None] ** 2
    sag = float(rng.uniform(-0.01, 0.06)) * eye_width * (1 - across)
    line = above * (1 - shut) + below * shut
    line[:, 1:] += sag
    hair = _lashes((height, width), line.astype(np.float32), eye_width, rng)[..., None]
    colour = filled.mean((0, 1)) * float(rng.uniform(0.12, 0.6))
    hair = hair * float(rng.uniform(0.55, 1.0))
    closed = filled * (1 - hair) + colour * hair
    drawn = (np.abs(closed - image).max(2) > 3) | (hole > 0)
    return np.clip(closed.round(), 0, 255).astype(np.uint8), drawn


@dataclass(frozen=True)
class Lids:
    """A really closed eye, to be laid over open ones.

    Attributes:
        patch: uint8 RGB [H, W, 3], a right eye or a mirrored left one.
        corners: float32 [2, 2], outer and inner corner in patch pixels.
    """

    patch: Image
    corners: FloatArray


def _between(source: FloatArray, target: FloatArray) -> NDArray[np.float64]:
    """[2, 3]: the similarity that takes two points [2, 2] to two others."""
    a, b = (complex(*(p[1] - p[0]).tolist()) for p in (source, target))
    turn = b / a if abs(a) > 1e-3 else 1 + 0j
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, target[0] - linear @ source[0]])


def transplant_lids(
    patch: Image, corners: FloatArray, lids: Lids, rng: np.random.Generator
) -> tuple[Image, NDArray[np.bool_]]:
    """Lay another person's closed lids over an eye.

    Inside an ellipse the face's surrounding skin is continued and shaded as the lids are shaded
    against their own surroundings (a ratio image, Liu, Shan & Zhang 2001).

    Args:
        patch: uint8 RGB [H, W, 3], as for `close_eye`.
        corners: float32 [2, 2], its outer and inner corner.
        lids: the donor.
        rng: the run's generator.

    Returns:
        As `close_eye`.
    """
    height, width = patch.shape[:2]
    aim = corners + rng.normal(0, 0.02, (2, 2)) * np.ptp(corners[:, 0])
    matrix = _between(lids.corners, aim.astype(np.float32))
    donor = cv2.warpAffine(
        lids.patch, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    ).astype(np.float32)
    image = patch.astype(np.float32)
    eye_width = float(np.linalg.norm(corners[1] - corners[0]))
    centre = corners.mean(0) - np.array([0, float(rng.uniform(0.0, 0.1)) * eye_width])
    half_x, half_y = (float(rng.uniform(*r)) * eye_width for r in ((0.6, 0.75), (0.36, 0.5)))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    radius = np.hypot((x - centre[0]) / half_x, (y - centre[1]) / half_y)
    hole = (radius < 1).astype(np.float32)
    # Only how much darker or lighter than their surroundings the lids are is taken over: colours
    # come from the face, whose light may be another.
    skin = _fill(image, hole)
    grey = cv2.cvtColor(donor, cv2.COLOR_RGB2GRAY)[..., None]
    relief = (grey + 8) / (_fill(np.repeat(grey, 3, 2), hole) + 8)
    lid = skin * np.clip(relief, 0.15, 1.8)
    soft = np.clip((1.08 - radius) / 0.16, 0, 1)[..., None]
    mixed = image + soft * (lid - image)
    shut = np.clip(mixed.round(), 0, 255).astype(np.uint8)
    return shut, np.asarray(radius < 1.08)
