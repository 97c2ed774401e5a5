"""A small stand-in for ICT-FaceKit and one photograph to lay it over.

The photograph is `skimage.data.astronaut()` (Eileen Collins; NASA, public domain). Its MediaPipe
landmarks were computed once with `label_landmarks.py`. The stand-in puts a vertex of ICT-FaceKit's
numbering at each landmark, on an ellipsoid, so that the real loader reads it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay
from skimage import data

from model_training.portraits.landmarks import (
    IBUG68_IN_MEDIAPIPE,
    INNER_LIP_BOTTOM,
    INNER_LIP_TOP,
)
from model_training.synthesis.face_model import CORRESPONDENCES, EYEBALLS, GUMS, MOUTH_SOCKET, TEETH

LANDMARKS_FILE = Path(__file__).with_name("astronaut_landmarks.csv")
SIDES = (
    "browDown", "browInnerUp", "browOuterUp", "cheekPuff", "cheekSquint", "eyeBlink", "eyeLookDown",
    "eyeLookIn", "eyeLookOut", "eyeLookUp", "eyeSquint", "eyeWide", "mouthDimple", "mouthFrown",
    "mouthLowerDown", "mouthPress", "mouthSmile", "mouthStretch", "mouthUpperUp", "noseSneer",
)  # fmt: skip
MIDDLE = (
    "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose", "mouthFunnel", "mouthLeft",
    "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower",
    "mouthShrugUpper",
)  # fmt: skip
NAMES = tuple(f"{name}_{side}" for name in SIDES for side in "LR") + MIDDLE


def photograph() -> NDArray[np.uint8]:
    """The astronaut, uint8 RGB [512, 512, 3]."""
    return np.asarray(data.astronaut(), np.uint8)


def landmarks() -> NDArray[np.float64]:
    """Her 478 landmarks in pixels, with the lips closed (she smiles, the stand-in must not)."""
    points = np.loadtxt(LANDMARKS_FILE, delimiter=",", skiprows=1)
    top, bottom = list(INNER_LIP_TOP[1:-1]), list(INNER_LIP_BOTTOM[1:-1])
    middle = (points[top] + points[bottom]) / 2
    points[top], points[bottom] = middle, middle
    points[top, 1] -= 0.2
    points[bottom, 1] += 0.2
    return points


def write_face_model(file: Path) -> None:
    """Write the stand-in as a packed `face_model.npz`."""
    table = np.genfromtxt(CORRESPONDENCES, delimiter=",", skip_header=1, dtype=str)
    mediapipe = table[table[:, 0] == "mediapipe", 2].astype(int)
    ibug = table[table[:, 0] == "ibug68", 2].astype(int)
    pixels = landmarks()
    scale = 6.3 / np.linalg.norm(pixels[473] - pixels[468])
    flat = (pixels[:468] - (pixels[468] + pixels[473]) / 2) * [scale, -scale]
    count = EYEBALLS[1].stop
    vertices = np.zeros((count, 3), np.float32)
    radius = np.clip(1 - (flat[:, 0] / 10) ** 2 - ((flat[:, 1] + 3) / 13) ** 2, 0.05, None)
    skin = np.column_stack([flat, 9 * np.sqrt(radius)]).astype(np.float32)
    # Several landmarks may share a vertex; iBUG's own vertices repeat their MediaPipe twins.
    vertices[ibug] = skin[list(IBUG68_IN_MEDIAPIPE)]
    vertices[mediapipe] = skin
    triangles = [mediapipe[t] for t in _skin_triangles(flat)]
    twins = mediapipe[list(IBUG68_IN_MEDIAPIPE)]
    triangles += [np.array([i, m, m]) for i, m in zip(ibug, twins, strict=True)]
    mouth = skin[list(INNER_LIP_TOP + INNER_LIP_BOTTOM)].mean(0)
    for start, depth in ((MOUTH_SOCKET.start, 3.0), (TEETH.start, 1.2), (GUMS.start, 2.0)):
        wide = 2.8 if start == MOUTH_SOCKET.start else 1.5
        corners = np.array([[-1, 1], [1, 1], [1, -1], [-1, -1]]) * wide
        vertices[start : start + 4] = (
            np.column_stack([corners, np.zeros(4)]) + mouth - [0, 0, depth]
        )
        triangles += [start + np.array(t) for t in ((0, 2, 1), (0, 3, 2))]
    for part in EYEBALLS:
        vertices[part] = skin[33] - [0, 0, 2]
        triangles.append(part.start + np.arange(3))
    faces = np.array(triangles, np.int32)
    uv = np.clip(0.5 + vertices[:, :2] / 30, 0, 1).astype(np.float32)
    expression = np.zeros((len(NAMES), count, 3), np.float16)
    for row, name in enumerate(NAMES):
        expression[row, mediapipe] = _movement(name, flat)
        expression[row, ibug] = expression[row, mediapipe[list(IBUG68_IN_MEDIAPIPE)]]
    identity = np.stack([vertices * [0.05, 0, 0], vertices * [0, 0.05, 0], vertices * [0, 0, 0.1]])
    np.savez_compressed(
        file,
        vertices=vertices, triangles=faces, uv=uv, uv_triangles=faces,
        identity_deltas=identity.astype(np.float16), expression_deltas=expression,
        expression_names=np.array(NAMES),
    )  # fmt: skip


def _skin_triangles(flat: NDArray[np.float64]) -> NDArray[np.int32]:
    """Delaunay triangles, counter-clockwise, none across the opening between the lips."""
    parted = flat.copy()  # so that no triangle joins the two lips
    parted[list(INNER_LIP_TOP[1:-1]), 1] += 0.2
    parted[list(INNER_LIP_BOTTOM[1:-1]), 1] -= 0.2
    triangles = Delaunay(parted).simplices
    upper, lower = set(INNER_LIP_TOP[1:-1]), set(INNER_LIP_BOTTOM[1:-1])
    corners = {INNER_LIP_TOP[0], INNER_LIP_TOP[-1]}
    inner = upper | lower | corners
    keep = [t for t in triangles if not (set(t) <= inner and set(t) & upper and set(t) & lower)]
    a, b, c = (flat[np.array(keep)[:, k]] for k in range(3))
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    return np.array([t if s > 0 else t[::-1] for t, s in zip(keep, area, strict=True)], np.int32)


def _movement(name: str, flat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Deltas [468, 3] in centimetres of a few shapes; the others stay at rest."""
    out = np.zeros((468, 3))
    mouth_y = flat[13, 1]
    if name == "jawOpen":
        below = flat[:, 1] < mouth_y - 0.005
        near = np.exp(-((flat[:, 0] / 6) ** 2))
        out[below, 1] = -2.0 * near[below]
    elif name in ("mouthSmile_L", "mouthSmile_R"):
        corner = flat[291 if name.endswith("L") else 61]
        near = np.exp(-(((flat - corner) ** 2).sum(1)) / 3)
        out[:, 0] = np.sign(corner[0]) * 1.0 * near
        out[:, 1] = 0.8 * near
    elif name.startswith("brow") and "Up" in name:
        brow = flat[334 if name.endswith("L") else 105]
        out[:, 1] = 0.8 * np.exp(-(((flat - brow) ** 2).sum(1)) / 3)
    return out
