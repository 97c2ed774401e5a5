"""Putting the neutral crop back: only what the network changed, at the photograph's resolution.

Resampling a picture twice blurs it, so the photograph keeps its own pixels wherever the network
did nothing. The blending mask is the product of a fixed feathered region inside the crop and a
smooth map of what was changed; where it is zero the photograph's bytes are untouched.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import Crop, Matrix, inside_photograph, matrix_scale

Image = NDArray[np.uint8]
Mask = NDArray[np.uint8]
Layer = NDArray[np.integer[Any] | np.floating[Any]]

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


def region_mask(size: int) -> NDArray[np.float32]:
    """The feathered region of a crop that may be altered, [S, S] in [0, 1].

    A rounded square (a superellipse of exponent 3): it holds the face from the hairline to below
    the chin and ends well before the crop does.
    """
    position = (np.arange(size, dtype=np.float32) + 0.5) / size
    dx = np.abs(position - REGION_CENTRE[0])[None, :]
    dy = np.abs(position - REGION_CENTRE[1])[:, None]
    distance = np.cbrt(dx**3 + dy**3).astype(np.float32)
    return 1.0 - _smoothstep(distance, REGION_OPAQUE, REGION_END)


def _largest_difference(a: Image, b: Image) -> NDArray[np.float32]:
    """Largest difference over the channels, in grey levels, [H, W]."""
    # Channel by channel: NumPy's maximum over a last axis of three is many times slower.
    red, green, blue = cv2.split(cv2.absdiff(a, b))
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.float32)


def change_map(crop: Image, neutral: Image) -> NDArray[np.float32]:
    """How surely each pixel was changed, [S, S] in [0, 1], smooth and a little wider than changes.

    Args:
        crop: what the network was given, uint8 [S, S, 3].
        neutral: what it returned, uint8 [S, S, 3].
    """
    size = crop.shape[0]
    difference = _largest_difference(crop, neutral)
    # Single pixels off by rounding are not a change; sigma grows with the crop.
    blurred = cv2.GaussianBlur(difference, (0, 0), max(0.8, size / 256))
    changed = _smoothstep(np.asarray(blurred, np.float32), CHANGE_NONE, CHANGE_FULL)
    reach = max(2, round(size / 48))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    widened = cv2.dilate(changed, kernel)
    # The blur reaches less far than the dilation, so changed pixels stay fully covered.
    smooth = cv2.blur(cv2.blur(widened, (reach, reach)), (reach, reach))
    return np.asarray(smooth, np.float32)


def crop_mask(crop: Crop, neutral: Image, photo_shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The blending mask in crop pixels, [S, S] in [0, 1]; zero outside the photograph."""
    inside = inside_photograph(photo_shape, crop.matrix, crop.size)
    mask = region_mask(crop.size) * change_map(crop.image, neutral)
    return np.asarray(np.where(inside, mask, 0.0), np.float32)


def _window(matrix: Matrix, size: int, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The part of the photograph that the region can reach: left, top, right, bottom."""
    inverse = cv2.invertAffineTransform(matrix)
    low = np.array(REGION_CENTRE) - REGION_END
    high = np.array(REGION_CENTRE) + REGION_END
    corners = np.array([[x, y] for x in (low[0], high[0]) for y in (low[1], high[1])]) * size
    reached = corners @ inverse[:, :2].T + inverse[:, 2]
    height, width = shape[:2]
    left, top = np.clip(np.floor(reached.min(0)).astype(int) - 2, 0, (width, height))
    right, bottom = np.clip(np.ceil(reached.max(0)).astype(int) + 3, 0, (width, height))
    return int(left), int(top), int(right), int(bottom)


def _warp_back(
    layer: Layer, matrix: Matrix, window: tuple[int, int, int, int], flags: int
) -> Layer:
    """Resample a crop-sized layer into a window of the photograph."""
    left, top, right, bottom = window
    size = layer.shape[0]
    scale = matrix_scale(matrix)
    working = matrix
    if scale > 1.25:  # the crop was enlarged: average it down first, warpAffine would alias
        small = max(1, round(size / scale))
        ratio = small / size
        layer = cv2.resize(layer, (small, small), interpolation=cv2.INTER_AREA)
        # Pixel centres: x_small = (x + 0.5) * ratio - 0.5.
        working = matrix * ratio
        working[:, 2] += 0.5 * ratio - 0.5
    # From window pixels to crop pixels; warpAffine wants exactly that with WARP_INVERSE_MAP.
    shifted = working.copy()
    shifted[:, 2] = working[:, :2] @ np.array([left, top], np.float64) + working[:, 2]
    return cv2.warpAffine(
        layer,
        shifted,
        (right - left, bottom - top),
        flags=flags | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _resampling_loss(
    photo: Image, crop: Crop, neutral: Image, window: tuple[int, int, int, int]
) -> NDArray[np.float32]:
    """What cutting the crop and putting it back blurs away, where it is still the same content.

    The loss is known: the photograph minus its own crop put back. It is returned where the
    network changed little (shading, pores under a thin coat of paint); where it moved or replaced
    something, the loss of what was there before would be a ghost.
    """
    left, top, right, bottom = window
    difference = _largest_difference(crop.image, neutral)
    blurred = np.asarray(cv2.GaussianBlur(difference, (0, 0), crop.size / 128), np.float32)
    same = 1.0 - _smoothstep(blurred, SAME_CONTENT, OTHER_CONTENT)
    share = np.asarray(_warp_back(same, crop.matrix, window, cv2.INTER_LINEAR), np.float32)
    again = _warp_back(crop.image, crop.matrix, window, cv2.INTER_CUBIC).astype(np.float32)
    lost = photo[top:bottom, left:right].astype(np.float32) - again
    return np.asarray(lost * share[..., None], np.float32)


def composite(photo: Image, crop: Crop, neutral: Image) -> tuple[Image, Mask]:
    """Blend the neutral crop into the photograph.

    Args:
        photo: uint8 RGB [H, W, 3]; not modified.
        crop: what was cut out of it, and how.
        neutral: the network's answer, uint8 RGB [S, S, 3].

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
    alpha = crop_mask(crop, neutral, photo.shape)
    window = _window(crop.matrix, crop.size, photo.shape)
    left, top, right, bottom = window
    if not alpha.any() or right <= left or bottom <= top:
        return altered, mask
    back = _warp_back(neutral, crop.matrix, window, cv2.INTER_CUBIC).astype(np.float32)
    back += _resampling_loss(photo, crop, neutral, window)
    warped_alpha = _warp_back(alpha, crop.matrix, window, cv2.INTER_LINEAR)
    weight = np.rint(np.asarray(warped_alpha, np.float32) * 255).astype(np.uint8)
    own = photo[top:bottom, left:right].astype(np.float32)
    share = (weight.astype(np.float32) / 255)[..., None]
    blended = np.clip(np.rint(own + (back - own) * share), 0, 255).astype(np.uint8)
    altered[top:bottom, left:right] = blended
    mask[top:bottom, left:right] = weight
    return altered, mask
