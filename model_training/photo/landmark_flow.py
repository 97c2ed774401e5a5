"""The geometry of a real pair from its landmarks: two smooth warps that meet at the lip line."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from model_training.portraits.landmarks import (
    INNER_LIP_BOTTOM,
    INNER_LIP_TOP,
    LIPS,
    MESH,
    OUTLINE,
)

Points = NDArray[np.floating]
# fmt: off
_UPPER_LIP = {*INNER_LIP_TOP[1:-1], 185, 40, 39, 37, 0, 267, 269, 270, 409, 184, 74, 73, 72, 11,
              302, 303, 304, 408, 183, 42, 41, 38, 12, 268, 271, 272, 407}
# fmt: on
LOWER_LIP = {*LIPS} - _UPPER_LIP - {61, 291, 78, 308, 76, 306, 62, 292}
_GRID = 4
"""Pixels from one point of the spline's grid to the next: it is smooth."""
_SMOOTHING = 5.0
_OPEN = 1.0
"""Pixels between the inner lips from which on a mouth counts as open."""


def _edge(points: Points, indices: tuple[int, ...]) -> Points:
    """An edge of the lips from left to right, [11, 2]."""
    edge = points[list(indices)]
    return np.asarray(edge[np.argsort(edge[:, 0], kind="stable")])


def lip_edges(points: Points) -> NDArray[np.float32]:
    """The inner edges of the upper and of the lower lip, each from left to right, [2, 11, 2]."""
    edges = [_edge(points, indices) for indices in (INNER_LIP_TOP, INNER_LIP_BOTTOM)]
    return np.stack(edges).astype(np.float32)


def lip_line(points: Points) -> NDArray[np.float32]:
    """The line between closed lips, [11, 2] from left to right, of landmarks [468, 2]."""
    middle = (points[list(INNER_LIP_TOP)] + points[list(INNER_LIP_BOTTOM)]) / 2
    return np.asarray(middle[np.argsort(middle[:, 0], kind="stable")], np.float32)


def below(line: Points, size: int, step: int) -> NDArray[np.float32]:
    """How far below a line [K, 2] (left to right) each place of a picture lies.

    Args:
        line: in pixels of the picture.
        size: its side.
        step: pixels from one place to the next.

    Returns:
        float32 [size / step, size / step], pixels.
    """
    centre = np.arange(size // step) * step + (step - 1) / 2
    found = centre[:, None] - np.interp(centre, line[:, 0], line[:, 1])[None]
    return np.asarray(found, np.float32)


def aside(line: Points, size: int, step: int) -> NDArray[np.float32]:
    """How far beyond the ends of a line [K, 2] (left to right) each column lies, else negative.

    Returns:
        float32 [size / step, size / step], pixels; arguments as of `below`.
    """
    centre = np.arange(size // step) * step + (step - 1) / 2
    found = np.abs(centre - (line[0, 0] + line[-1, 0]) / 2) - (line[-1, 0] - line[0, 0]) / 2
    return np.asarray(np.tile(found, (size // step, 1)), np.float32)


def opening_between(edges: Points, size: int, step: int) -> NDArray[np.float32]:
    """Where one looks into the mouth, in [0, 1], [size / step, size / step].

    Args:
        edges: of the lips, as `lip_edges` gives them, in pixels.
        size: side of the picture.
        step: pixels from one place to the next.
    """
    if (edges[1, :, 1] - edges[0, :, 1]).max() <= _OPEN:
        return np.zeros((size // step, size // step), np.float32)
    outline = np.concatenate([edges[0], edges[1, ::-1]])
    inside = np.zeros((size, size), np.uint8)
    cv2.fillPoly(inside, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_8, 4)
    small = cv2.resize(inside, (size // step, size // step), interpolation=cv2.INTER_AREA)
    return np.asarray(small / 255, np.float32)


def landmark_flow(
    neutral: Points, expressive: Points, size: int, step: int
) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    """Flow and where it holds, between landmarks of one face in one crop.

    Args:
        neutral: of the target, [468 or more, 2].
        expressive: of the input, in the same pixels.
        size: side S of the crop.
        step: pixels from one value of the flow to the next.

    Returns:
        float16 [S / step, S / step, 2] in pixels and bool [S / step, S / step], as in
        `PairGeometry`.
    """
    half = size // step
    rim_line = np.linspace(0, size, 12)
    rim = [(x, y) for x in rim_line for y in (0, size)]
    rim += [(x, y) for x in (0, size) for y in rim_line[1:-1]]
    at = np.arange(0.5, size, _GRID) + (_GRID - 1) / 2
    grid = np.stack(np.meshgrid(at, at), -1).reshape(-1, 2)
    layers = []
    for left_out in (LOWER_LIP, _UPPER_LIP):
        kept = [k for k in range(MESH) if k not in left_out]
        target = np.concatenate([neutral[kept], rim])
        source = np.concatenate([expressive[kept], rim])
        spline = RBFInterpolator(
            target, source - target, kernel="thin_plate_spline", smoothing=_SMOOTHING
        )
        field = spline(grid).reshape(len(at), len(at), 2).astype(np.float32)
        layers.append(cv2.resize(field, (half, half), interpolation=cv2.INTER_LINEAR))
    beneath = below(lip_line(neutral), size, step) > 0
    face = np.zeros((size, size), np.uint8)
    cv2.fillPoly(face, [np.round(neutral[list(OUTLINE)]).astype(np.int32)], 1)
    flow = np.where(beneath[..., None], layers[1], layers[0])
    return flow.astype(np.float16), face[::step, ::step].astype(bool)
