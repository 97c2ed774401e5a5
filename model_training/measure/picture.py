"""Whether it stays a photograph: sharpness, what changed outside the mask, likeness, the seam."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from app.faces.alignment import Image, crop_matrix, transform_points
from model_training.portraits.landmarks import LEFT_IRIS, LIPS_OUTER, OUTLINE, RIGHT_IRIS, STABLE

NOSE_BASE = 2
STEADY = (*STABLE, 10, 109, 338)
"""`STABLE` and the forehead."""
COMPARE_SIZE = 256
"""Side in pixels of the aligned crops on which likeness is computed."""


def luminance(image: Image) -> NDArray[np.float32]:
    """float32 [H, W] in grey levels (Rec. 601)."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32)


def face_regions(
    points: NDArray[np.floating], shape: tuple[int, ...]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Skin, eyes, brows and nose of a face, and the part of it below the nose.

    Lips and all between them are left out: teeth that disappear are not sharpness lost. The
    outline is shrunk, so that hair and background do not count.

    Args:
        points: MediaPipe landmarks [478, 2] in pixels.
        shape: of the picture, [H, W, ...].
    """
    points = np.asarray(points, np.float64)
    apart = float(np.linalg.norm(points[LEFT_IRIS] - points[RIGHT_IRIS]))
    oval = filled(points[list(OUTLINE)], shape)
    # A border of zeros, because a face may fill the picture to its edge.
    face = cv2.erode(oval, disc(0.10 * apart), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    mouth = cv2.dilate(filled(points[list(LIPS_OUTER)], shape), disc(0.06 * apart))
    whole = (face > 0) & (mouth == 0)
    down = points[152] - points[10]
    rows, columns = np.indices(shape[:2])
    along = (columns - points[NOSE_BASE, 0]) * down[0] + (rows - points[NOSE_BASE, 1]) * down[1]
    return whole, whole & (along > 0)


def fine_detail(image: Image, region: NDArray[np.bool_]) -> float:
    """Root mean square of the 3x3 Laplacian of luminance over a region, in grey levels.

    At the picture's own resolution: the ratio of two such numbers is 1 when a picture is as
    sharp as the other, and falls towards 0 with blur.
    """
    if not region.any():
        return 0.0
    laplacian = cv2.Laplacian(luminance(image), cv2.CV_32F, ksize=1)
    return float(np.sqrt(np.mean(np.square(laplacian[region], dtype=np.float64))))


def outside_change(before: Image, after: Image, mask: NDArray[np.bool_]) -> tuple[int, int]:
    """(largest difference in grey levels, number of changed pixels) where `mask` is False."""
    difference = np.abs(before.astype(np.int16) - after.astype(np.int16)).max(2)
    outside = difference[~mask]
    return (int(outside.max()), int((outside > 0).sum())) if outside.size else (0, 0)


def seam(before: Image, after: Image, band: NDArray[np.bool_], inter_ocular: float) -> float:
    """How steeply the change sets in along the mask's border.

    Mean gradient of the luminance difference over the border band, in grey levels per hundredth
    of the inter-ocular distance, so that it does not depend on resolution. 0 = no change there; a
    hard-edged patch that is 10 levels too dark, 10 / the band's width.
    """
    if not band.any():
        return 0.0
    change = luminance(after) - luminance(before)
    gx = cv2.Sobel(change, cv2.CV_32F, 1, 0, scale=1 / 8)
    gy = cv2.Sobel(change, cv2.CV_32F, 0, 1, scale=1 / 8)
    return float(np.hypot(gx, gy)[band].mean(dtype=np.float64) * inter_ocular / 100)


def likeness(
    image: Image, points: NDArray[np.floating], truth: Image, truth_points: NDArray[np.floating]
) -> float:
    """Structural similarity to the true neutral over the face, after alignment, in [-1, 1].

    Both are seen through a 256 px eye crop of the first; the truth is fitted by the similarity
    that brings its steady landmarks nearest (least squares), so that another head position costs
    little.
    """
    size = COMPARE_SIZE
    matrix = crop_matrix(points[RIGHT_IRIS], points[LEFT_IRIS], size)
    target = transform_points(points, matrix)
    fit = similarity(np.asarray(truth_points)[list(STEADY)], target[list(STEADY)])
    a = luminance(_warp(image, matrix, size))
    b = luminance(_warp(truth, fit, size))
    _, each = structural_similarity(  # type: ignore[no-untyped-call]
        a, b, data_range=255.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        full=True,
    )  # fmt: skip
    return float(each[filled(target[list(OUTLINE)], (size, size)) > 0].mean())


def similarity(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """Least-squares similarity [2, 3] from points [N, 2] to points [N, 2], without reflection."""
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    ms, mt = source.mean(0), target.mean(0)
    x, y = (source - ms).T
    u, v = (target - mt).T
    norm = float((x * x + y * y).sum())
    a, b = float((x * u + y * v).sum()) / norm, float((x * v - y * u).sum()) / norm
    linear = np.array([[a, -b], [b, a]])
    return np.column_stack([linear, mt - linear @ ms])


def _warp(image: Image, matrix: NDArray[np.float64], size: int) -> Image:
    # Reductions are averaged first, as everywhere (see app.faces.alignment.cut).
    from app.faces.alignment import cut

    return cut(image, matrix, size).image


def filled(polygon: NDArray[np.floating], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """A polygon [N, 2] in pixels as a mask of 0 and 255, uint8 [H, W]."""
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(polygon).astype(np.int32)], 255)
    return mask


def disc(radius: float) -> NDArray[np.uint8]:
    """A round structuring element of this radius in pixels, at least one."""
    side = 2 * max(1, round(radius)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
