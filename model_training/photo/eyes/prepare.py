"""Patches of eyes to train the network that opens them, made from a data folder and its landmarks.

    OUT/open.npy   uint8 [N, 2, 96, 128, 3]     right eyes and mirrored left eyes at rest
    OUT/shut.npy   uint8 [N, 2, V, 96, 128, 3]  the same with closed lids put over them
    OUT/real.npy   uint8 [R, 2, 96, 128, 3]     real closed eyes, laughing slits, dark glasses, ...
    OUT/donors.npz                              the really closed lids, and their corners
    OUT/label.npy  float32 [R, 2]               1: shut, 0: open or hidden, 0.5: hard to say

Faces of validation people are left out. Patches are larger than what the network sees, so that
training can shift them.
"""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from app.faces.alignment import Image
from model_training.photo.eyes.config import EyeSetConfig
from model_training.photo.eyes.eyelids import Lids, close_eye, transplant_lids
from model_training.photo.eyes.geometry import (
    LEFT_LOWER,
    LEFT_UPPER,
    RIGHT_LOWER,
    RIGHT_UPPER,
    apertures,
    gaze_offset,
    shut_labels,
)
from model_training.photo.eyes.network import BOX_LEFT, BOX_TOP, PATCH_HEIGHT, PATCH_WIDTH
from model_training.portraits.aligned import align_face, read_rgb
from model_training.portraits.landmarks import LEFT_IRIS, RIGHT_IRIS, FloatArray, LandmarkTable
from model_training.portraits.split import validation_mask
from model_training.runs.atomic import atomic_path

CROP_SIDE = 384
"""Side of the crops that patches are cut from: FairFace's own resolution, about."""
MARGIN_Y, MARGIN_X = 12, 16
"""What a stored patch shows beyond the network's, on every side, in pixels."""
HEIGHT, WIDTH = PATCH_HEIGHT + 2 * MARGIN_Y, PATCH_WIDTH + 2 * MARGIN_X
REST_APERTURE = 0.2
"""From which on an open eye may be a target."""
STRAIGHT = 0.09
"""Largest gaze offset of a target: neutral faces look at the camera."""
IRIS_CONTRAST = 0.12
"""How much darker an iris is than the skin below the eye, as a share of it; less: dark glasses."""


@dataclass(frozen=True)
class _Eye:
    patch: Image
    upper: FloatArray
    lower: FloatArray
    iris: FloatArray

    @property
    def corners(self) -> FloatArray:
        """Outer and inner corner, [2, 2]."""
        return self.upper[[0, -1]]


def cut_eyes(image: Image, points: FloatArray) -> tuple[_Eye, _Eye]:
    """Right and mirrored left eye of a photograph, with their contours in patch pixels."""
    face = align_face(image, points, CROP_SIDE)
    top = BOX_TOP * CROP_SIDE // 256 - MARGIN_Y
    left = BOX_LEFT * CROP_SIDE // 256 - MARGIN_X
    eyes = []
    for upper, lower, iris, turn in (
        (RIGHT_UPPER, RIGHT_LOWER, RIGHT_IRIS, False),
        (LEFT_UPPER, LEFT_LOWER, LEFT_IRIS, True),
    ):
        crop, marks = face.image, face.points
        if turn:
            crop = crop[:, ::-1]
            marks = np.stack([CROP_SIDE - marks[:, 0], marks[:, 1]], 1)
        marks = (marks - np.array([left, top])).astype(np.float32)
        patch = np.ascontiguousarray(crop[top : top + HEIGHT, left : left + WIDTH])
        eyes.append(_Eye(patch, marks[list(upper)], marks[list(lower)], marks[iris]))
    return eyes[0], eyes[1]


def _iris_shows(eye: _Eye) -> bool:
    """Is there something dark in a lighter eye? Not behind dark glasses or hair."""
    grey = cv2.cvtColor(eye.patch, cv2.COLOR_RGB2GRAY).astype(np.float32)
    width = float(np.ptp(eye.upper[:, 0]))
    dark, skin = np.zeros_like(grey), np.zeros_like(grey)
    place = tuple(int(v) for v in eye.iris.round())
    cv2.circle(dark, place, max(1, round(0.12 * width)), 1, -1)
    below = (place[0], min(HEIGHT - 4, place[1] + round(0.45 * width)))
    cv2.circle(skin, below, max(2, round(0.12 * width)), 1, -1)
    iris, cheek = (float((grey * m).sum() / max(m.sum(), 1)) for m in (dark, skin))
    return cheek > 35 and (cheek - iris) / cheek > IRIS_CONTRAST


@dataclass(frozen=True)
class _Job:
    file: Path
    points: FloatArray
    label: FloatArray
    rest: bool
    portrait: bool
    drawn: int
    transplanted: int
    donors: Path
    seed: int


def _run(job: _Job) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None, FloatArray]:
    """Both patches; closed versions if the face may be a target; labels of the real patches."""
    cv2.setNumThreads(1)
    eyes = cut_eyes(read_rgb(job.file), job.points)
    both = np.stack([eye.patch for eye in eyes])
    if not job.rest:
        return both, None, job.label
    if not all(_iris_shows(eye) for eye in eyes):
        return both, None, np.zeros(2, np.float32)
    rng, donors = np.random.default_rng(job.seed), _read_donors(job.donors)
    shut = []
    for eye in eyes:
        shut.append([close_eye(eye.patch, eye.upper, eye.lower, rng)[0] for _ in range(job.drawn)])
        for _ in range(job.transplanted if donors else 0):
            lids = donors[int(rng.integers(len(donors)))]
            shut[-1].append(transplant_lids(eye.patch, eye.corners, lids, rng)[0])
    return both, np.array(shut, np.uint8), job.label


def _write_donors(jobs: list[_Job], file: Path) -> None:
    """Lids of the really closed eyes among the jobs: `patch` and `corners`."""
    lids = []
    for job in jobs:
        if not (job.label == 1).any():
            continue
        eyes = cut_eyes(read_rgb(job.file), job.points)
        lids += [eye for eye, label in zip(eyes, job.label, strict=True) if label == 1]
    with atomic_path(file) as temporary, temporary.open("wb") as handle:
        np.savez(
            handle,
            patch=np.array([eye.patch for eye in lids], np.uint8),
            corners=np.array([eye.corners for eye in lids], np.float32),
        )


@cache
def _read_donors(file: Path) -> tuple[Lids, ...]:
    with np.load(file) as stored:
        return tuple(map(Lids, stored["patch"], stored["corners"]))


def _jobs(table: LandmarkTable, config: EyeSetConfig) -> list[_Job]:
    use = table.in_sets(config.sets) & ~np.array(validation_mask(table.paths))
    use &= (np.abs(table.pose[:, 0]) < 25) & (np.abs(table.pose[:, 1]) < 22)
    aperture = apertures(table.points)
    blink = np.stack([table.score("eyeBlinkRight"), table.score("eyeBlinkLeft")], 1)
    wide = np.maximum(table.score("eyeWideLeft"), table.score("eyeWideRight"))
    labels = shut_labels(aperture, blink)
    rest = (aperture.min(1) > REST_APERTURE) & (blink.max(1) < 0.35) & (wide < 0.3)
    rest &= np.abs(gaze_offset(table.points)) < STRAIGHT
    # Judged for the gate alone: shut eyes, slits, and a few of those between rest and slit.
    telling = (labels.max(1) == 1) | ((aperture.min(1) < 0.18) & (labels != 0.5).any(1))
    return [
        _Job(
            file=config.data / table.paths[row],
            points=table.points[row],
            label=labels[row],
            rest=bool(rest[row]),
            portrait=not table.paths[row].startswith("fairface/"),
            drawn=config.drawn,
            transplanted=config.transplanted,
            donors=config.out / "donors.npz",
            seed=config.seed * 1_000_003 + int(row),
        )
        for row in np.flatnonzero(use & (rest | telling))
    ]


def _save(folder: Path, name: str, array: NDArray[np.generic]) -> None:
    with atomic_path(folder / name) as temporary, temporary.open("wb") as handle:
        np.save(handle, array)


def prepare_eyes(config: EyeSetConfig) -> None:
    """Make the set; nothing is done if it is there already.

    Raises:
        ValueError: no face of these sets has eyes at rest.
    """
    if (config.out / "label.npy").exists():
        return
    config.out.mkdir(parents=True, exist_ok=True)
    jobs = _jobs(LandmarkTable.load(config.landmarks), config)
    _write_donors(jobs, config.out / "donors.npz")
    opened, shut, real, labels = [], [], [], []
    with multiprocessing.get_context("spawn").Pool(config.workers) as pool:
        for job, (both, closed, label) in zip(
            jobs, tqdm(pool.imap(_run, jobs, 16), total=len(jobs), desc="eyes"), strict=True
        ):
            if closed is None:
                real.append(both)
                labels.append(label)
                continue
            for _ in range(config.portraits if job.portrait else 1):
                opened.append(both)
                shut.append(closed)
    if not opened:
        raise ValueError(f"no face of {', '.join(config.sets)} has eyes at rest")
    _save(config.out, "open.npy", np.stack(opened))
    _save(config.out, "shut.npy", np.stack(shut))
    _save(config.out, "real.npy", np.stack(real))
    _save(config.out, "label.npy", np.stack(labels))
