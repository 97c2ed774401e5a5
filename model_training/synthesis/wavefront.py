"""Read ICT-FaceKit as it is published: a folder of Wavefront OBJ files, one per shape."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

NEUTRAL = "generic_neutral_mesh"


@dataclass(frozen=True, slots=True)
class RawModel:
    """The whole mesh as published; see `face_model.FaceModel` for the shapes.

    Attributes:
        uv: float [U, 2] and `uv_triangles` int [T, 3]: corners of seams have several.
    """

    vertices: NDArray[np.floating]
    triangles: NDArray[np.integer]
    uv: NDArray[np.floating]
    uv_triangles: NDArray[np.integer]
    identity: NDArray[np.floating]
    expression: NDArray[np.floating]
    expression_names: tuple[str, ...]


def read_obj_folder(folder: Path) -> RawModel:
    """Read `generic_neutral_mesh.obj`, `identityNNN.obj` and every other OBJ as an expression.

    Raises:
        ValueError: the neutral mesh is missing, or a shape has another number of vertices.
    """
    neutral_file = folder / f"{NEUTRAL}.obj"
    if not neutral_file.is_file():
        raise ValueError(f"{folder} has no {neutral_file.name}: is it ICT-FaceKit's FaceXModel?")
    vertices, uv, triangles, uv_triangles = read_obj(neutral_file)
    identity: list[NDArray[np.float32]] = []
    expression: list[NDArray[np.float32]] = []
    names: list[str] = []
    for file in sorted(folder.glob("*.obj")):
        if file.stem == NEUTRAL:
            continue
        shape = read_vertices(file)
        if shape.shape != vertices.shape:
            raise ValueError(f"{file.name} has {len(shape)} vertices, not {len(vertices)}")
        if file.stem.startswith("identity"):
            identity.append(shape - vertices)
        else:
            expression.append(shape - vertices)
            names.append(file.stem)
    if not identity or not expression:
        raise ValueError(f"{folder} has no identity or no expression shapes")
    deltas = np.stack(identity), np.stack(expression)
    return RawModel(vertices, triangles, uv, uv_triangles, *deltas, tuple(names))


def read_vertices(file: Path) -> NDArray[np.float32]:
    """Only the vertices of an OBJ file, float32 [V, 3]."""
    with file.open() as handle:
        rows = [line.split()[1:4] for line in handle if line.startswith("v ")]
    return np.array(rows, np.float32)


def read_obj(
    file: Path,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32], NDArray[np.int32]]:
    """Vertices [V, 3], texture coordinates [U, 2], triangles and their texture corners [T, 3].

    Polygons are cut into fans.
    """
    uv: list[list[str]] = []
    corners: list[list[tuple[int, int]]] = []
    with file.open() as handle:
        for line in handle:
            if line.startswith("vt "):
                uv.append(line.split()[1:3])
            elif line.startswith("f "):
                polygon = [_corner(word) for word in line.split()[1:]]
                corners.extend(
                    [polygon[0], polygon[i], polygon[i + 1]] for i in range(1, len(polygon) - 1)
                )
    both = np.array(corners, np.int32).reshape(-1, 3, 2) - 1
    return read_vertices(file), np.array(uv, np.float32), both[:, :, 0], both[:, :, 1]


def _corner(word: str) -> tuple[int, int]:
    parts = word.split("/")
    return int(parts[0]), int(parts[1]) if len(parts) > 1 and parts[1] else 1
