"""Putting the neutral crop back: only what the network changed, at the photograph's resolution.

Resampling a picture twice blurs it, so the photograph keeps its own pixels wherever the network
did nothing. The blending mask is the product of a fixed feathered region inside the crop and a
smooth map of what was changed; where it is zero the photograph's bytes are untouched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import Crop, Matrix, inside_photograph, matrix_scale, shifted
from app.faces.warping import Plane, bands, planes_of, together, warp_plane

Image = NDArray[np.uint8]
Mask = NDArray[np.uint8]
Part = tuple[slice, slice]

REGION_CENTRE = (0.50, 0.54)
REGION_OPAQUE, REGION_END = 0.38, 0.45
"""The region's edge in crop sides from its centre: opaque inside the first, nothing beyond."""
CHANGE_NONE, CHANGE_FULL = 1.0, 4.0
"""Grey levels of (blurred) difference that count as no change and as a change."""

MASK_SIDE = 256
"""Side at which masks are made, at most: they are smooth, whatever the crop's."""
SAME_CONTENT, OTHER_CONTENT = 8.0, 32.0
"""Grey levels of (blurred) difference under which content stayed, and over which it is another."""


def _smoothstep(value: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float32)


@lru_cache(maxsize=8)  # crops have few sides
def region_mask(size: int) -> NDArray[np.float32]:
    """The feathered region of a crop that may be altered, [S, S] in [0, 1]; read-only.

    A rounded square (a superellipse of exponent 3): it holds the face from the hairline to below
    the chin and ends well before the crop does.
    """
    position = (np.arange(size, dtype=np.float32) + 0.5) / size
    dx = np.abs(position - REGION_CENTRE[0])[None, :]
    dy = np.abs(position - REGION_CENTRE[1])[:, None]
    distance = np.cbrt(dx**3 + dy**3).astype(np.float32)
    region = 1.0 - _smoothstep(distance, REGION_OPAQUE, REGION_END)
    region.setflags(write=False)
    return region


def largest_difference(a: Image, b: Image) -> Mask:
    """Largest difference over the channels, in grey levels, [H, W]."""
    # Channel by channel: NumPy's maximum over a last axis of three is many times slower.
    red, green, blue = cv2.split(cv2.absdiff(a, b))
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)


def _where(mask: Mask, margin: int) -> Part:
    """Rows and columns that hold all of a mask's non-zero pixels and `margin` more around."""
    x, y, width, height = cv2.boundingRect(mask)
    if not width:
        return slice(0, 0), slice(0, 0)
    rows = slice(max(0, y - margin), min(mask.shape[0], y + height + margin))
    return rows, slice(max(0, x - margin), min(mask.shape[1], x + width + margin))


def _small(layer: Mask) -> NDArray[np.float32]:
    """A crop's layer at the side M at which masks are made, in [0, 255]."""
    side = min(layer.shape[0], MASK_SIDE)
    return cv2.resize(layer, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)


def change_map(difference: NDArray[np.float32]) -> NDArray[np.float32]:
    """How surely each place was changed, [M, M] in [0, 1], smooth and a little wider than changes.

    Args:
        difference: [M, M] in grey levels, of what the network was given and what it returned.
    """
    side = difference.shape[0]
    reach = max(2, round(side / 48))
    # Single pixels off by rounding are not a change.
    blurred = cv2.GaussianBlur(difference, (0, 0), max(0.8, side / 256))
    changed = _smoothstep(np.asarray(blurred, np.float32), CHANGE_NONE, CHANGE_FULL)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    # The blur reaches less far than the dilation, so what changed stays fully covered.
    widened = cv2.blur(cv2.dilate(changed, kernel), (reach, reach))
    return np.asarray(cv2.blur(widened, (reach, reach)), np.float32)


def _resized(matrix: Matrix, ratio: NDArray[np.float64]) -> Matrix:
    """A transform into a layer, into the same layer resized by `ratio` (x, y)."""
    working = matrix * ratio[:, None]
    # Pixel centres: x_small = (x + 0.5) * ratio - 0.5.
    working[:, 2] += 0.5 * ratio - 0.5
    return np.asarray(working, np.float64)


def _at_side(crop: Crop, side: int) -> Matrix:
    """From photograph pixels into the crop at another side."""
    return _resized(crop.matrix, np.full(2, side / crop.size))


def _mask(
    crop: Crop, difference: NDArray[np.float32], shape: tuple[int, ...], gain: float
) -> NDArray[np.float32]:
    """The blending mask, [M, M] in [0, 1]; zero outside a photograph of `shape`."""
    side = difference.shape[0]
    inside = inside_photograph(shape, _at_side(crop, side), side)
    # Changes count as the network saw them: of a dark crop, many times as much.
    mask = region_mask(side) * change_map(difference * gain)
    return np.asarray(np.where(inside, mask, 0.0), np.float32)


def crop_mask(crop: Crop, neutral: Image, shape: tuple[int, ...], gain: float = 1.0) -> Mask:
    """The blending mask in crop pixels, uint8 [S, S]; arguments as of `composite`."""
    mask = _mask(crop, _small(largest_difference(crop.image, neutral)), shape, gain)
    whole = cv2.resize(mask, (crop.size, crop.size), interpolation=cv2.INTER_LINEAR)
    return np.rint(whole * 255).astype(np.uint8)


def _window(matrix: Matrix, part: Part, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """What a part of the crop reaches of the photograph: left, top, right, bottom."""
    inverse = cv2.invertAffineTransform(matrix)
    rows, columns = part
    corners = [[x, y] for x in (columns.start, columns.stop) for y in (rows.start, rows.stop)]
    reached = np.array(corners, np.float64) @ inverse[:, :2].T + inverse[:, 2]
    height, width = shape[:2]
    left, top = np.clip(np.floor(reached.min(0)).astype(int) - 2, 0, (width, height))
    right, bottom = np.clip(np.ceil(reached.max(0)).astype(int) + 3, 0, (width, height))
    return int(left), int(top), int(right), int(bottom)


def _fitted(
    planes: Sequence[Plane], matrix: Matrix, window: tuple[int, int, int, int]
) -> tuple[list[Plane], Matrix]:
    """Layers [h, w], in whose pixels `matrix` ends, made ready to be warped into a window.

    Returns:
        The layers, and the transform from the window's pixels to theirs.
    """
    height, width = planes[0].shape
    scale = matrix_scale(matrix)
    fitted = list(planes)
    if scale > 1.25:  # the crop was enlarged: average it down first, a warp would alias
        small = (max(1, round(width / scale)), max(1, round(height / scale)))
        fitted = [
            np.asarray(cv2.resize(plane, small, interpolation=cv2.INTER_AREA), np.float32)
            for plane in planes
        ]
        matrix = _resized(matrix, np.array(small) / (width, height))
    return fitted, shifted(matrix, window[0], window[1])


def _layers(same: Plane, crop: Crop, neutral: Image, part: Part) -> list[Plane]:
    """What of a part of the crop goes back, float32 [h, w] in grey levels.

    Args:
        same: [M, M] in [0, 1], how surely the content stayed.
        crop: what was cut.
        neutral: the network's answer.
        part: rows and columns of both.

    Returns:
        Light of the answer and of the crop, and the answer's red and blue without what of the
        crop's stayed: `neutral - same * crop`. Light changes too fast for that.
    """
    stayed = cv2.resize(same, (crop.size, crop.size), interpolation=cv2.INTER_LINEAR)[part]
    again, *before = planes_of(crop.image[part])
    back, *after = planes_of(neutral[part])
    for ours, theirs in zip(before, after, strict=True):
        ours *= stayed
        theirs -= ours
    return [back, again, *after]


def _change(own: Image, planes: Sequence[Plane], stayed: Plane) -> Plane:
    """What the neutral face changes in the photograph's own pixels [h, w, 3], in grey levels.

    Args:
        own: those pixels.
        planes: `_layers` there.
        stayed: [h, w] in [0, 1], how surely the content stayed.
    """
    back, again, red, blue = planes
    light, own_red, own_blue = planes_of(own)
    moved = 1.0 - stayed
    light = back - light + stayed * (light - again)
    return together(light, red - moved * own_red, blue - moved * own_blue)


def composite(photo: Image, crop: Crop, neutral: Image, gain: float = 1.0) -> tuple[Image, Mask]:
    """Blend the neutral crop into the photograph.

    What cutting the crop and putting it back blurs away is known: the photograph minus its own crop
    put back. It is returned where the content stayed (light, pores under a thin coat of paint);
    where something was moved or replaced, the loss of what was there before would be a ghost.

    Args:
        photo: uint8 RGB [H, W, 3]; not modified.
        crop: what was cut out of it, and how.
        neutral: the network's answer, uint8 RGB [S, S, 3].
        gain: of a dark crop, see `app/faces/exposure.py`.

    Returns:
        The altered photograph, uint8 [H, W, 3], and the blending mask at its resolution, uint8
        [H, W]: 0 where the photograph is untouched (bit-identical), 255 where it was replaced.

    Raises:
        ValueError: `neutral` has not the crop's shape.
    """
    if neutral.shape != crop.image.shape:
        raise ValueError(f"neutral is {neutral.shape}, the crop {crop.image.shape}")
    altered = photo.copy()
    mask = np.zeros(photo.shape[:2], np.uint8)
    difference = _small(largest_difference(crop.image, neutral))
    alpha = _mask(crop, difference, photo.shape, gain)
    opaque = np.asarray(alpha > 0, np.uint8)
    side = difference.shape[0]
    small_matrix, ratio = _at_side(crop, side), crop.size / side
    window = _window(small_matrix, _where(opaque, 1), photo.shape)
    left, top, right, bottom = window
    if not opaque.any() or right <= left or bottom <= top:
        return altered, mask
    blurred = cv2.GaussianBlur(difference, (0, 0), side / 128)
    other = _smoothstep(np.asarray(blurred, np.float32), SAME_CONTENT, OTHER_CONTENT)
    same = np.asarray(1.0 - other, np.float32)
    smooth, to_smooth = _fitted([alpha, same], small_matrix, window)
    # From here on only the part of the crop that goes back, with what resampling reaches.
    rows, columns = (
        slice(math.floor(along.start * ratio), math.ceil(along.stop * ratio))
        for along in _where(opaque, 4)
    )
    matrix = crop.matrix - np.array([[0, 0, columns.start], [0, 0, rows.start]])
    layers, working = _fitted(_layers(same, crop, neutral, (rows, columns)), matrix, window)
    own, blended = photo[top:bottom, left:right], altered[top:bottom, left:right]
    kinds = (cv2.INTER_CUBIC, cv2.INTER_CUBIC, cv2.INTER_LINEAR, cv2.INTER_LINEAR)
    for band in bands(bottom - top):
        shown, stayed = (warp_plane(layer, to_smooth, right - left, band) for layer in smooth)
        weight = np.rint(shown * 255).astype(np.uint8)
        planes = [
            warp_plane(layer, working, right - left, band, how)
            for layer, how in zip(layers, kinds, strict=True)
        ]
        share = np.asarray(weight, np.float32) / 255
        change = cv2.multiply(_change(own[band], planes, stayed), cv2.merge([share] * 3))
        cv2.add(own[band], change, dst=blended[band], dtype=cv2.CV_8U)
        mask[top:bottom, left:right][band] = weight
    return altered, mask
