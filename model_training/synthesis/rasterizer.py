"""A z-buffer rasteriser and vertex normals, compiled by numba on first use and cached.

Own code because the libraries that rasterise need a display, a GPU or a compiler at run time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Raster:
    """What every pixel sees.

    Attributes:
        triangle: int32 [H, W], index of the nearest triangle, -1 where there is none.
        barycentric: float32 [H, W, 3], weights of that triangle's corners.
        depth: float32 [H, W], interpolated z; larger is nearer.
    """

    triangle: Ints
    barycentric: Floats
    depth: Floats


def rasterize(vertices: Floats, triangles: Ints, width: int, height: int) -> Raster:
    """Nearest triangle at every pixel centre.

    Args:
        vertices: float32 [V, 3]; x, y in pixels (y down), z larger = nearer. Both windings show.
        triangles: int32 [T, 3].
        width: of the picture in pixels.
        height: of the picture in pixels.
    """
    triangle = np.full((height, width), -1, np.int32)
    barycentric = np.zeros((height, width, 3), np.float32)
    depth = np.full((height, width), -np.inf, np.float32)
    _rasterize(np.ascontiguousarray(vertices, np.float32), triangles, triangle, barycentric, depth)
    return Raster(triangle, barycentric, depth)


def interpolate(raster: Raster, triangles: Ints, values: Floats) -> Floats:
    """Vertex values [V, C] at every pixel, float32 [H, W, C]; zero where nothing is seen."""
    height, width = raster.triangle.shape
    out = np.zeros((height, width, values.shape[1]), np.float32)
    values = np.ascontiguousarray(values, np.float32)
    _interpolate(raster.triangle, raster.barycentric, triangles, values, out)
    return out


def vertex_normals(vertices: Floats, triangles: Ints) -> Floats:
    """Area-weighted unit normals, float32 [V, 3]."""
    return np.asarray(_vertex_normals(np.ascontiguousarray(vertices, np.float32), triangles))


@njit(cache=True, nogil=True)
def _rasterize(v, triangles, out_triangle, out_barycentric, out_depth):  # type: ignore[no-untyped-def]
    height, width = out_triangle.shape
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, az = v[i, 0], v[i, 1], v[i, 2]
        bx, by, bz = v[j, 0], v[j, 1], v[j, 2]
        cx, cy, cz = v[k, 0], v[k, 1], v[k, 2]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0.0:
            continue
        x0 = max(0, int(np.ceil(min(ax, bx, cx))))
        x1 = min(width - 1, int(np.floor(max(ax, bx, cx))))
        y0 = max(0, int(np.ceil(min(ay, by, cy))))
        y1 = min(height - 1, int(np.floor(max(ay, by, cy))))
        inverse = np.float32(1.0) / area
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                w0 = ((bx - x) * (cy - y) - (by - y) * (cx - x)) * inverse
                w1 = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) * inverse
                w2 = np.float32(1.0) - w0 - w1
                if w0 < 0.0 or w1 < 0.0 or w2 < 0.0:
                    continue
                z = w0 * az + w1 * bz + w2 * cz
                if z > out_depth[y, x]:
                    out_depth[y, x] = z
                    out_triangle[y, x] = t
                    out_barycentric[y, x, 0] = w0
                    out_barycentric[y, x, 1] = w1
                    out_barycentric[y, x, 2] = w2


@njit(cache=True, nogil=True)
def _interpolate(triangle, barycentric, triangles, values, out):  # type: ignore[no-untyped-def]
    height, width = triangle.shape
    for y in range(height):
        for x in range(width):
            t = triangle[y, x]
            if t < 0:
                continue
            i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            a, b, c = barycentric[y, x, 0], barycentric[y, x, 1], barycentric[y, x, 2]
            for channel in range(values.shape[1]):
                out[y, x, channel] = (
                    a * values[i, channel] + b * values[j, channel] + c * values[k, channel]
                )


@njit(cache=True, nogil=True)
def _vertex_normals(v, triangles):  # type: ignore[no-untyped-def]
    out = np.zeros_like(v)
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = v[j, 0] - v[i, 0], v[j, 1] - v[i, 1], v[j, 2] - v[i, 2]
        wx, wy, wz = v[k, 0] - v[i, 0], v[k, 1] - v[i, 1], v[k, 2] - v[i, 2]
        nx, ny, nz = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
        for q in (i, j, k):
            out[q, 0] += nx
            out[q, 1] += ny
            out[q, 2] += nz
    for n in range(out.shape[0]):
        length = np.sqrt(out[n, 0] ** 2 + out[n, 1] ** 2 + out[n, 2] ** 2)
        if length > 1e-9:
            out[n] /= length
    return out
