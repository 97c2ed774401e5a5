"""Drawn faces, and folders of them shaped like the public sets: no real face ships with tests."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

EYES = ((70, 80), (110, 80))
"""Where the right (image-left) and the left eye are drawn, in a 180 x 180 picture."""


def draw_face(person: int, smile: float, *, grey: bool = False) -> NDArray[np.uint8]:
    """A cartoon, uint8 RGB [180, 180, 3]: colours and width by person, mouth by `smile`."""
    rng = np.random.default_rng(person)
    skin = [int(v) for v in rng.integers((150, 110, 90), (240, 190, 170))]
    back = [int(v) for v in rng.integers(30, 230, 3)]
    image = np.full((180, 180, 3), back, np.uint8)
    cv2.ellipse(image, (90, 95), (int(rng.integers(45, 60)), 65), 0, 0, 360, skin, -1)
    for x, y in EYES:
        cv2.circle(image, (x, y), 7, (255, 255, 255), -1)
        cv2.circle(image, (x, y), 3, (20, 20, 20), -1)
    height = round(14 * smile)
    cv2.ellipse(image, (90, 125), (22, max(1, height)), 0, 0, 180, (120, 30, 30), -1)
    if grey:
        image = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    return image


def save(image: NDArray[np.uint8], file: Path) -> Path:
    """Write an RGB image; its folder is made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(file), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return file


def make_ck_plus(root: Path, subjects: int = 6, frames: int = 3, first: int = 1) -> list[str]:
    """A CK+-shaped miniature; returns the keys of its frames. The last subject is in colour."""
    keys = []
    last = first + subjects - 1
    for subject in range(first, last + 1):
        name = f"S{subject:03d}"
        for frame in range(1, frames + 1):
            image = draw_face(subject, (frame - 1) / (frames - 1), grey=subject < last)
            stem = f"{name}_001_{frame:08d}"
            save(image, root / "cohn-kanade-images" / name / "001" / f"{stem}.png")
            keys.append(f"ck_plus/{name}/001/{stem}.png")
        if subject % 2:
            label = root / "Emotion" / name / "001" / f"{stem}_emotion.txt"
            label.parent.mkdir(parents=True)
            label.write_text("   5.0000000e+00\n")
    (root / "cohn-kanade-images" / ".DS_Store").write_bytes(b"")
    return keys


def save_landmarks(keys: list[str], file: Path) -> Path:
    """A landmark table that knows the drawn eyes of these images and nothing else."""
    points = np.zeros((len(keys), 478, 2), np.int16)
    points[:, 468], points[:, 473] = np.array(EYES[0]) * 16, np.array(EYES[1]) * 16
    np.savez(
        file,
        paths=np.array(keys),
        points_x16=points,
        blendshapes=np.zeros((len(keys), 52), np.uint8),
        blendshape_names=np.array([f"b{i}" for i in range(52)]),
        pose_deg=np.zeros((len(keys), 3), np.float16),
    )
    return file
