"""A folder of drawn faces whose lids are known, for the tests of what opens eyes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from model_training.meter.network import BLENDSHAPE_NAMES
from model_training.photo.eyes.geometry import LEFT_LOWER, LEFT_UPPER, RIGHT_LOWER, RIGHT_UPPER

EYE_WIDTH, SIDE = 44.0, 384
RIGHT, LEFT = (140.0, 169.0), (244.0, 169.0)


def contours(centre: tuple[float, float], gap: float, outer: int) -> NDArray[np.float32]:
    """Upper and lower lid [2, 9, 2], outer corner first; `outer` is -1 if that lies on the left."""
    x = np.linspace(outer, -outer, 9) * EYE_WIDTH / 2
    bulge = 1 - (2 * x / EYE_WIDTH) ** 2
    lids = [np.stack([centre[0] + x, centre[1] + side * gap / 2 * bulge], 1) for side in (-1, 1)]
    return np.array(lids, np.float32)


def draw(person: int, open_right: bool, open_left: bool) -> tuple[NDArray[np.uint8], NDArray]:
    """A 384 px face that is an aligned crop already, and its landmarks [478, 2]."""
    rng = np.random.default_rng(person)
    skin = rng.integers((170, 130, 110), (230, 180, 160))
    noise = cv2.GaussianBlur(rng.normal(0, 12, (SIDE, SIDE, 3)).astype(np.float32), (0, 0), 1.5)
    image = np.clip(skin + noise, 0, 255).astype(np.uint8)
    points = np.full((478, 2), SIDE / 2)
    for centre, outer, upper, lower, iris, opened in (
        (RIGHT, -1, RIGHT_UPPER, RIGHT_LOWER, 468, open_right),
        (LEFT, 1, LEFT_UPPER, LEFT_LOWER, 473, open_left),
    ):
        lids = contours(centre, 15.0 if opened else 1.0, outer)
        ring = np.concatenate([lids[0], lids[1][::-1]]).round().astype(np.int32)
        cv2.fillPoly(image, [ring], (235, 235, 235) if opened else (60, 40, 35))
        if opened:
            cv2.circle(image, tuple(int(v) for v in centre), 6, (50, 35, 25), -1)
        points[list(upper)], points[list(lower)], points[iris] = lids[0], lids[1], centre
    return image, points


def make_faces(root: Path, people: int = 12) -> Path:
    """A FairFace-like folder: two thirds open, then shut, then winking; its landmark table."""
    paths, rows, shapes = [], [], []
    for person in range(people):
        right, left = (True, True) if person % 6 < 4 else (False, person % 6 == 5)
        image, points = draw(person, right, left)
        path = f"fairface/train_{person}.png"
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        blink = dict.fromkeys(BLENDSHAPE_NAMES, 0.0)
        blink |= {"eyeBlinkRight": 0.1 if right else 0.8, "eyeBlinkLeft": 0.1 if left else 0.8}
        paths.append(path)
        rows.append(points)
        shapes.append(list(blink.values()))
    table = root / "landmarks.npz"
    np.savez(
        table,
        paths=paths,
        points_x16=(np.array(rows) * 16).astype(np.int16),
        blendshapes=(np.array(shapes) * 255).astype(np.uint8),
        blendshape_names=BLENDSHAPE_NAMES,
        pose_deg=np.zeros((people, 3), np.float16),
    )
    return table
