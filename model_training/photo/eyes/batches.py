"""Batches of eyes: drawn and rendered closed lids with the open eye as target, and real eyes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from model_training.photo.eyes.config import EyeData
from model_training.photo.eyes.network import BOX_LEFT, BOX_TOP, PATCH_HEIGHT, PATCH_WIDTH
from model_training.photo.eyes.prepare import CROP_SIDE, HEIGHT, MARGIN_X, MARGIN_Y, WIDTH
from model_training.photo.tensors import to_tensor
from model_training.portraits.augment import compress, side_light, soften, to_grey

RENDERED_SHUT, RENDERED_OPEN = 0.7, 0.4
"""Closing (AU43) of a rendered eye from which on it is shut, and up to which it is open."""


class EyeBatch(NamedTuple):
    """Patches float32 [N, 3, 72, 96] in [-1, 1]; the first `paired` have a target.

    Attributes:
        own: eyes to look at.
        other: the same people's other eyes, mirrored.
        target: [P, 3, 72, 96], the open eye of the first P.
        label: [N], 1 shut, 0 open, 0.5 not to be judged.
        shut: [K], the rows of the first P that are shut.
        sure: [M], the rows of the first P that are shut or open without doubt.
    """

    own: Tensor
    other: Tensor
    target: Tensor
    label: Tensor
    shut: Tensor
    sure: Tensor


def rendered_eyes(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Patches of a rendered pair set and their labels.

    Returns:
        uint8 [N, 2, 2, 96, 128, 3] (neutral and expressive; right eye and mirrored left one), and
        float32 [N], as in `EyeBatch`.

    Raises:
        ValueError: its crops have another size.
    """
    pairs = np.load(folder / "pairs.npy", mmap_mode="r")
    if pairs.shape[2] != CROP_SIDE:
        raise ValueError(f"{folder} holds crops of {pairs.shape[2]} px; {CROP_SIDE} are needed")
    with (folder / "labels.csv").open(newline="") as handle:
        closing = np.array([float(row["AU43"]) for row in csv.DictReader(handle)])
    top = BOX_TOP * CROP_SIDE // 256 - MARGIN_Y
    left = BOX_LEFT * CROP_SIDE // 256 - MARGIN_X
    right = np.asarray(pairs[:, :, top : top + HEIGHT, left : left + WIDTH])
    end = CROP_SIDE - left
    mirrored = np.asarray(pairs[:, :, top : top + HEIGHT, end - WIDTH : end])[:, :, :, ::-1]
    label = np.where(closing > RENDERED_SHUT, 1.0, np.where(closing < RENDERED_OPEN, 0.0, 0.5))
    return np.stack([right, mirrored], 2), label.astype(np.float32)


def shifted_patches(stored: Tensor, rng: np.random.Generator) -> Tensor:
    """The network's patch [N, C, 72, 96] of stored ones [N, C, 96, 128], placed as detectors do."""
    count = len(stored)
    angle = np.deg2rad(rng.normal(0, 3.0, count))
    scale = np.exp(rng.normal(0, 0.06, count))
    shift = np.clip(rng.normal(0, 4.0, (count, 2)), -9, 9) * 2 / np.array([WIDTH, HEIGHT])
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    aspect = HEIGHT / WIDTH
    inner_x, inner_y = PATCH_WIDTH / WIDTH, PATCH_HEIGHT / HEIGHT
    rows = np.stack(
        [
            cos * inner_x, -sin * aspect * inner_y, shift[:, 0],
            sin / aspect * inner_x, cos * inner_y, shift[:, 1],
        ],
        1,
    )  # fmt: skip
    theta = torch.from_numpy(rows.reshape(count, 2, 3).astype(np.float32))
    grid = F.affine_grid(theta, [count, 1, PATCH_HEIGHT, PATCH_WIDTH], align_corners=False)
    return F.grid_sample(stored, grid, padding_mode="border", align_corners=False)


def _accidents(stacked: Tensor, rng: np.random.Generator) -> Tensor:
    """Light, softness, grain and JPEG, the same on all patches of a sample: [N, K * 3, H, W]."""
    count, channels, height, width = stacked.shape
    members = channels // 3
    flat = stacked.reshape(count * members, 3, height, width)

    def each(values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.repeat(values, members).astype(np.float32))

    flat = to_grey(flat, each(rng.random(count) < 0.2) > 0)
    amount = rng.uniform(0.2, 0.7, count) * (rng.random(count) < 0.3)
    flat = side_light(flat, each(amount), each(rng.uniform(0, 2 * np.pi, count)))
    gamma = each(np.exp(rng.normal(0, 0.25, count))).view(-1, 1, 1, 1)
    flat = ((flat.clamp(-1, 1) + 1) / 2) ** gamma * 2 - 1
    for row in np.flatnonzero(rng.random(count) < 0.45):
        side = int(rng.uniform(0.25, 0.8) * height)
        for member in range(members):
            soften(flat, int(row) * members + member, side)
    for row in np.flatnonzero(rng.random(count) < 0.25):
        grain = torch.from_numpy(rng.standard_normal((3, height, width), dtype=np.float32))
        flat[row * members : (row + 1) * members] += grain * float(rng.uniform(0.005, 0.05))
    flat = flat.clamp(-1, 1)
    for row in np.flatnonzero(rng.random(count) < 0.2):
        quality = int(rng.integers(30, 85))
        for member in range(members):
            compress(flat, int(row) * members + member, quality)
    return flat.reshape(count, channels, height, width)


class EyeBatches:
    """Draws batches from memory-mapped sets."""

    def __init__(self, data: EyeData) -> None:
        self.data = data
        self.open = np.load(data.eyes / "open.npy", mmap_mode="r")
        self.shut = np.load(data.eyes / "shut.npy", mmap_mode="r")
        self.real = np.load(data.eyes / "real.npy", mmap_mode="r")
        self.real_label = np.load(data.eyes / "label.npy")
        read = [rendered_eyes(folder) for folder in data.rendered]
        self.rendered = np.concatenate([pairs for pairs, _ in read]) if read else None
        self.rendered_label = np.concatenate([label for _, label in read]) if read else None
        self.really_shut = np.argwhere(self.real_label == 1)
        self.really_open = np.argwhere(self.real_label == 0)

    def _drawn(self, rng: np.random.Generator, opened: bool) -> NDArray[np.uint8]:
        """Own, other and target of one eye, uint8 [3, 96, 128, 3]."""
        row, side = int(rng.integers(len(self.open))), int(rng.integers(2))
        variant = int(rng.integers(self.shut.shape[2]))
        target = self.open[row, side]
        own = target if opened else self.shut[row, side, variant]
        awake = rng.random() < (0.5 if opened else self.data.wink)
        other = self.open[row, 1 - side] if awake else self.shut[row, 1 - side, variant]
        return np.stack([own, other, target])

    def _from_renderer(self, rng: np.random.Generator) -> tuple[NDArray[np.uint8], float]:
        assert self.rendered is not None
        assert self.rendered_label is not None
        row, side = int(rng.integers(len(self.rendered))), int(rng.integers(2))
        neutral, expressive = self.rendered[row]
        other = neutral if rng.random() < self.data.wink else expressive
        eyes = np.stack([expressive[side], other[1 - side], neutral[side]])
        return eyes, float(self.rendered_label[row])

    def draw(self, rng: np.random.Generator) -> EyeBatch:
        """A batch, augmented."""
        data = self.data
        eyes = [self._drawn(rng, opened=False) for _ in range(data.drawn)]
        labels = [1.0] * data.drawn
        if self.rendered is not None:
            for _ in range(data.from_renderer):
                patches, label = self._from_renderer(rng)
                eyes.append(patches)
                labels.append(label)
        eyes += [self._drawn(rng, opened=True) for _ in range(data.opened)]
        labels += [0.0] * data.opened
        paired = len(eyes)
        for place in range(data.real):
            listed = self.really_shut if place < data.real // 2 else self.really_open
            row, side = listed[rng.integers(len(listed))]
            patch = self.real[row, side]
            eyes.append(np.stack([patch, self.real[row, 1 - side], patch]))
            labels.append(float(self.real_label[row, side]))
        stored = np.stack(eyes)
        joined = torch.cat([to_tensor(stored[:, member]) for member in (0, 2)], 1)
        joined = shifted_patches(joined, rng)
        other = shifted_patches(to_tensor(stored[:, 1]), rng)
        joined = _accidents(torch.cat([joined, other], 1), rng)
        own, target, other = joined.split(3, 1)
        known = torch.tensor(labels)
        # Counted here, where the batch is made: a step on a GPU would have to wait for it.
        shut, sure = (
            torch.nonzero(chosen).flatten()
            for chosen in (known[:paired] > 0.5, known[:paired] != 0.5)
        )
        return EyeBatch(own, other, target[:paired], known, shut, sure)
