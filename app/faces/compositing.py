"""Putting the neutral crop back: only what the network changed, at the photograph's resolution.

Resampling a picture twice blurs it, so the photograph keeps its own pixels wherever the network
did nothing. The blending mask is the product of a fixed feathered region inside the crop and a
smooth map of what was changed; where it is zero the photograph's bytes are untouched.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import Crop, Matrix, inside_photograph, matrix_scale, shifted

Image = NDArray[np.uint8]
Mask = NDArray[np.uint8]
Layer = NDArray[np.integer[Any] | np.floating[Any]]
Part = tuple[slice, slice]

REGION_CENTRE = (0.50, 0.54)
REGION_OPAQUE, REGION_END = 0.38, 0.45
"""The region's edge in crop sides from its centre: opaque inside the first, nothing beyond."""
CHANGE_NONE, CHANGE_FULL = 1.0, 4.0
"""Grey levels of (blurred) difference that count as no change and as a change."""

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


def change_map(crop: Image, neutral: Image, gain: float = 1.0) -> NDArray[np.float32]:
    """How surely each pixel was changed, [S, S] in [0, 1], smooth and a little wider than changes.

    Args:
        crop: what the network was given, uint8 [S, S, 3].
        neutral: what it returned, uint8 [S, S, 3].
        gain: what the crop was multiplied with for the network; changes count as it saw them.
    """
    size = crop.shape[0]
    difference = largest_difference(crop, neutral)
    reach = max(2, round(size / 48))
    sigma = max(0.8, size / 256)
    # The filters below reach 4 sigma, `reach` and twice half of it: beyond, nothing changed.
    part = _where(difference, round(4 * sigma) + 2 * reach + 3)
    surely = np.zeros((size, size), np.float32)
    if part[0].stop == 0:
        return surely
    # Single pixels off by rounding are not a change; sigma grows with the crop.
    blurred = cv2.GaussianBlur(difference[part].astype(np.float32) * gain, (0, 0), sigma)
    changed = _smoothstep(np.asarray(blurred, np.float32), CHANGE_NONE, CHANGE_FULL)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    # Bytes: the dilation takes a third of its time in float, and the mask ends in bytes anyway.
    widened = cv2.dilate(np.rint(changed * 255).astype(np.uint8), kernel)
    # The blur reaches less far than the dilation, so changed pixels stay fully covered.
    widened = np.asarray(widened, np.float32) / 255
    surely[part] = cv2.blur(cv2.blur(widened, (reach, reach)), (reach, reach))
    return surely


def crop_mask(
    crop: Crop, neutral: Image, photo_shape: tuple[int, ...], gain: float = 1.0
) -> NDArray[np.float32]:
    """The blending mask in crop pixels, [S, S] in [0, 1]; zero outside the photograph."""
    inside = inside_photograph(photo_shape, crop.matrix, crop.size)
    mask = region_mask(crop.size) * change_map(crop.image, neutral, gain)
    return np.asarray(np.where(inside, mask, 0.0), np.float32)


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


def _warp_back(
    layer: Layer, matrix: Matrix, window: tuple[int, int, int, int], flags: int
) -> Layer:
    """Resample a layer, in whose pixels `matrix` ends, into a window of the photograph."""
    left, top, right, bottom = window
    height, width = layer.shape[:2]
    scale = matrix_scale(matrix)
    working = matrix
    if scale > 1.25:  # the crop was enlarged: average it down first, warpAffine would alias
        small = (max(1, round(width / scale)), max(1, round(height / scale)))
        layer = cv2.resize(layer, small, interpolation=cv2.INTER_AREA)
        ratio = np.array(small) / (width, height)
        # Pixel centres: x_small = (x + 0.5) * ratio - 0.5.
        working = matrix * ratio[:, None]
        working[:, 2] += 0.5 * ratio - 0.5
    # From window pixels to crop pixels; warpAffine wants exactly that with WARP_INVERSE_MAP.
    return cv2.warpAffine(
        layer,
        shifted(working, left, top),
        (right - left, bottom - top),
        flags=flags | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _resampling_loss(
    own: Image,
    crop: Image,
    neutral: Image,
    sigma: float,
    matrix: Matrix,
    window: tuple[int, int, int, int],
) -> NDArray[np.float32]:
    """What cutting the crop and putting it back blurs away, where it is still the same content.

    The loss is known: the photograph minus its own crop put back. It is returned where the
    network changed little (shading, pores under a thin coat of paint); where it moved or replaced
    something, the loss of what was there before would be a ghost.
    """
    difference = largest_difference(crop, neutral).astype(np.float32)
    blurred = np.asarray(cv2.GaussianBlur(difference, (0, 0), sigma), np.float32)
    same = 1.0 - _smoothstep(blurred, SAME_CONTENT, OTHER_CONTENT)
    share = _warp_back(same, matrix, window, cv2.INTER_LINEAR)
    again = _warp_back(crop, matrix, window, cv2.INTER_CUBIC)
    lost = np.subtract(own, again, dtype=np.float32)
    lost *= np.asarray(share, np.float32)[..., None]
    return lost


def composite(photo: Image, crop: Crop, neutral: Image, gain: float = 1.0) -> tuple[Image, Mask]:
    """Blend the neutral crop into the photograph.

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
    alpha = crop_mask(crop, neutral, photo.shape, gain)
    opaque = np.asarray(alpha > 0, np.uint8)
    window = _window(crop.matrix, _where(opaque, 1), photo.shape)
    left, top, right, bottom = window
    if not opaque.any() or right <= left or bottom <= top:
        return altered, mask
    # From here on only the part of the crop that goes back, with what blur and resampling reach.
    sigma = crop.size / 128
    rows, columns = part = _where(opaque, round(4 * sigma) + 4)
    matrix = crop.matrix - np.array([[0, 0, columns.start], [0, 0, rows.start]])
    own, new = photo[top:bottom, left:right], neutral[part]
    back = _warp_back(new, matrix, window, cv2.INTER_CUBIC).astype(np.float32)
    back += _resampling_loss(own, crop.image[part], new, sigma, matrix, window)
    warped_alpha = _warp_back(alpha[part], matrix, window, cv2.INTER_LINEAR)
    weight = np.rint(np.asarray(warped_alpha, np.float32) * 255).astype(np.uint8)
    back -= own
    back *= (weight.astype(np.float32) / 255)[..., None]
    back += own
    blended = np.clip(np.rint(back, out=back), 0, 255, out=back).astype(np.uint8)
    altered[top:bottom, left:right] = blended
    mask[top:bottom, left:right] = weight
    return altered, mask
