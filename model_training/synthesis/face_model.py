"""The 3-D face model: ICT-FaceKit, reduced to the parts a frontal photograph shows.

ICT-FaceKit (https://github.com/ICT-VGL/ICT-FaceKit, MIT licence, USC Institute for Creative
Technologies 2020): a mesh in centimetres with 100 identity and 53-57 expression deltas.
Coordinates: x to the subject's left, y up, z toward the camera.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model_training.errors import UsageError
from model_training.portraits.landmarks import IBUG68_IN_MEDIAPIPE, LIPS, OUTLINE
from model_training.synthesis.wavefront import RawModel, read_obj_folder

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

CORRESPONDENCES = Path(__file__).with_name("correspondences.csv")
"""MediaPipe and iBUG-68 landmark -> ICT-FaceKit vertex, with how surely MediaPipe finds it there
(share of rendered views and spread in centimetres over them)."""

# Vertex ranges of the model, from its README; an eyeball is its sclera and its iris.
FACE = slice(0, 9409)
MOUTH_SOCKET = slice(11248, 13294)
GUMS = slice(14062, 17039)
TEETH = slice(17039, 21451)
EYEBALLS = (slice(21451, 23021), slice(23021, 24591))


class Region(IntEnum):
    """What a triangle is part of."""

    SKIN = 0
    MOUTH_SOCKET = 1
    GUMS = 2
    TEETH = 3
    EYEBALL = 4


GAZE_TURN = 0.5
"""Radians an eyeball turns at full activation of a gaze shape."""
MOUTH_REGIONS = (Region.MOUTH_SOCKET, Region.GUMS, Region.TEETH)


class FaceModelError(UsageError):
    """The folder or file is not a usable ICT-FaceKit model."""


@dataclass(frozen=True, slots=True)
class FaceModel:
    """A face mesh with identity and expression deltas and landmark correspondences.

    Attributes:
        vertices: float32 [V, 3], centimetres. Skin vertices come first.
        triangles: int32 [T, 3].
        region: int8 [T], a `Region` for each triangle.
        uv: float32 [T, 3, 2], texture coordinates of the corners (the face fills [0, 1]²).
        identity: float32 [K, V, 3], deltas for one standard deviation.
        expression: float32 [E, V, 3], deltas at full activation.
        expression_names: E names, ARKit-like with `_L`/`_R` for the subject's sides.
        skin_count: the first `skin_count` vertices are facial skin.
        groups: vertex indices (skin, left eyeball, right eyeball) that hide one another's gaps.
        landmark_ids: int32 [N], MediaPipe landmarks used in fitting.
        landmark_vertices: int32 [N], the vertex of each.
        landmark_weights: float32 [N].
        mediapipe_vertices: int32 [468], nearest vertex of every landmark, sure or not.
        inner_lips: vertices of the middle of the upper and of the lower inner lip.
    """

    vertices: Floats
    triangles: Ints
    region: NDArray[np.int8]
    uv: Floats
    identity: Floats
    expression: Floats
    expression_names: tuple[str, ...]
    skin_count: int
    groups: tuple[Ints, ...]
    landmark_ids: Ints
    landmark_vertices: Ints
    landmark_weights: Floats
    mediapipe_vertices: Ints
    inner_lips: tuple[int, int]

    def shape_index(self, name: str) -> int:
        """Row of an expression shape; raises `FaceModelError` if the model lacks it."""
        try:
            return self.expression_names.index(name)
        except ValueError:
            raise FaceModelError(f"the face model has no expression shape {name!r}") from None

    def deform(self, shape: Floats, weights: NDArray[np.floating]) -> Floats:
        """Add weighted expression deltas to vertex positions [V, 3]."""
        active = np.flatnonzero(weights)
        flat = self.expression.reshape(len(self.expression), -1)
        moved = shape.reshape(-1) + weights[active].astype(np.float32) @ flat[active]
        return np.asarray(moved, np.float32).reshape(-1, 3)


def load_face_model(path: Path) -> FaceModel:
    """Load ICT-FaceKit from the packed `face_model.npz` or from the upstream folder of OBJ files.

    Raises:
        FaceModelError: nothing usable is there.
    """
    if path.is_dir():
        inner = path / "FaceXModel"
        raw = read_obj_folder(inner if inner.is_dir() else path)
    elif path.is_file():
        with np.load(path) as data:
            missing = {"vertices", "triangles", "identity_deltas", "expression_deltas"} - {*data}
            if missing:
                raise FaceModelError(f"{path} lacks {', '.join(sorted(missing))}")
            raw = RawModel(
                vertices=data["vertices"],
                triangles=data["triangles"],
                uv=data["uv"],
                uv_triangles=data["uv_triangles"],
                identity=data["identity_deltas"],
                expression=data["expression_deltas"],
                expression_names=tuple(str(name) for name in data["expression_names"]),
            )
    else:
        raise FaceModelError(f"no face model at {path}")
    if len(raw.vertices) < EYEBALLS[1].stop:
        raise FaceModelError(f"{path} has {len(raw.vertices)} vertices, not ICT-FaceKit's")
    return _reduce(raw)


def _reduce(raw: RawModel) -> FaceModel:
    """Keep the skin of the face, the mouth's inside and the eyeballs' fronts."""
    region_of_vertex = np.full(len(raw.vertices), -1, np.int8)
    for part, region in (
        (FACE, Region.SKIN),
        (MOUTH_SOCKET, Region.MOUTH_SOCKET),
        (GUMS, Region.GUMS),
        (TEETH, Region.TEETH),
        (EYEBALLS[0], Region.EYEBALL),
        (EYEBALLS[1], Region.EYEBALL),
    ):
        region_of_vertex[part] = region
    corners = region_of_vertex[raw.triangles]
    # A triangle between skin and mouth socket lies on the lip and is textured as skin.
    region = corners.min(axis=1)
    keep = (corners >= 0).all(axis=1) & ((corners.max(axis=1) <= 1) | _uniform(corners))
    triangles, region = raw.triangles[keep], region[keep]
    used = np.unique(triangles)
    new_index = np.full(len(raw.vertices), -1, np.int32)
    new_index[used] = np.arange(len(used))
    mediapipe, ibug, hit_rate, spread = _read_correspondences()
    ids, vertices, weights = _fitting_landmarks(mediapipe, ibug, hit_rate, spread)
    eyeballs = tuple(new_index[used[(used >= s.start) & (used < s.stop)]] for s in EYEBALLS)
    skin_count = int((used < FACE.stop).sum())
    expression = np.ascontiguousarray(raw.expression[:, used], np.float32)
    turn_eyeballs(raw.expression_names, raw.vertices[used], expression, eyeballs)
    return FaceModel(
        vertices=raw.vertices[used].astype(np.float32),
        triangles=new_index[triangles].astype(np.int32),
        region=region.astype(np.int8),
        uv=raw.uv[raw.uv_triangles[keep]].astype(np.float32),
        # Contiguous, because `deform` flattens them for every face: a copy would cost most.
        identity=np.ascontiguousarray(raw.identity[:, used], np.float32),
        expression=expression,
        expression_names=raw.expression_names,
        skin_count=skin_count,
        groups=(np.arange(skin_count, dtype=np.int32), *eyeballs),
        landmark_ids=ids,
        landmark_vertices=new_index[vertices],
        landmark_weights=weights,
        mediapipe_vertices=new_index[np.minimum(mediapipe, FACE.stop - 1)],
        inner_lips=(int(new_index[ibug[62]]), int(new_index[ibug[66]])),
    )


def turn_eyeballs(
    names: tuple[str, ...],
    vertices: NDArray[np.floating],
    expression: Floats,
    eyeballs: tuple[Ints, ...],
) -> None:
    """Let the gaze shapes, which move only the lids, turn the eyeballs too (changed in place)."""
    for side, eyeball in zip("LR", eyeballs, strict=True):
        if not len(eyeball):
            continue
        forward = (vertices[eyeball] - vertices[eyeball].mean(0))[:, 2] * GAZE_TURN
        outward = 1.0 if side == "L" else -1.0
        for shape, axis, sign in (
            ("eyeLookOut_", 0, outward),
            ("eyeLookIn_", 0, -outward),
            ("eyeLookUp_", 1, 1.0),
            ("eyeLookDown_", 1, -1.0),
        ):
            if shape + side in names:
                expression[names.index(shape + side), eyeball, axis] = sign * forward


def _uniform(corners: NDArray[np.int8]) -> NDArray[np.bool_]:
    return np.asarray((corners == corners[:, :1]).all(axis=1))


def _read_correspondences() -> tuple[Ints, Ints, Floats, Floats]:
    with CORRESPONDENCES.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    mediapipe = [row for row in rows if row["scheme"] == "mediapipe"]
    return (
        np.array([int(row["vertex"]) for row in mediapipe], np.int32),
        np.array([int(row["vertex"]) for row in rows if row["scheme"] == "ibug68"], np.int32),
        np.array([float(row["hit_rate"]) for row in mediapipe], np.float32),
        np.array([float(row["spread_cm"]) for row in mediapipe], np.float32),
    )


def _fitting_landmarks(
    mediapipe: Ints, ibug: Ints, hit_rate: Floats, spread: Floats
) -> tuple[Ints, Ints, Floats]:
    """Sure landmarks: iBUG's inner 51 through their MediaPipe twins, and MediaPipe's own.

    The lips are taken from iBUG alone (MediaPipe's lip contour slides along the lip), the inner
    ones with most weight because a mouth must be seen as closed; the face's outline not at all,
    because it follows the silhouette and not the skin.
    """
    excluded = set(LIPS) | set(OUTLINE)
    sure = [i for i in range(468) if i not in excluded and hit_rate[i] > 0.7 and spread[i] < 0.3]
    ids = np.array([*IBUG68_IN_MEDIAPIPE[17:], *sure], np.int32)
    vertices = np.concatenate([ibug[17:], mediapipe[sure]]).astype(np.int32)
    weights = np.repeat([2.0, 5.0, 0.6], [43, 8, len(sure)]).astype(np.float32)
    return ids, vertices, weights
