"""Batches of calm mouths, whole and spoilt."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_training.photo.landmark_flow import aside, below, lip_line
from model_training.photo.lips.config import LipData
from model_training.photo.lips.damage import Mouths, spoilt
from model_training.photo.lips.hiding import DEVIATION, LEAST, hidden, hides
from model_training.photo.lips.line import on_the_dark
from model_training.photo.lips.place import PATCH_HEIGHT, PATCH_LEFT, PATCH_TOP, PATCH_WIDTH
from model_training.photo.network import CROP_SIZE, MAP_STEP, WINDOW_LEFT, WINDOW_TOP
from model_training.photo.pair_store import PairStore
from model_training.photo.tensors import to_tensor
from model_training.portraits.augment import (
    Misalignment,
    augment_single,
    flip,
    mirrored_points,
)
from model_training.portraits.landmarks import MOUTH_MIDDLE
from model_training.synthesis.store import PAIRS, POINTS

_CORNERS_OFF = 3.0
"""Deviation in pixels of the corners that lips are hidden between: when served they are guessed."""
_NEVER = 0.25
"""For one mouth that is hidden, a little or well, so many are not hidden at all."""
_TOP, _LEFT = WINDOW_TOP + PATCH_TOP, WINDOW_LEFT + PATCH_LEFT


class LipBatch(NamedTuple):
    """Mouths, float32.

    Attributes:
        shown: [N, 3, 96, 128] RGB in [-1, 1], spoilt.
        line: [N, 1, 48, 64], signed distance to the lip line, pixels of the patch.
        share: [N, 1, 48, 64] in [0, 1], where lips are hidden.
        target: [N, 3, 96, 128], as they were.
        near: [N, 1, 96, 128] in [0, 1], where lips are.
    """

    shown: Tensor
    line: Tensor
    share: Tensor
    target: Tensor
    near: Tensor


def mouth_of(crops: Tensor) -> Tensor:
    """The mouth's patch of crops [..., 256, 256]."""
    return crops[..., _TOP : _TOP + PATCH_HEIGHT, _LEFT : _LEFT + PATCH_WIDTH]


class LipBatches:
    """Draws batches from memory-mapped pair sets, whose neutral faces are real photographs."""

    def __init__(self, data: LipData) -> None:
        self.data = data
        self.sets = [PairStore.open(folder) for folder in data.pairs]
        self.portraits = PairStore.open(data.prepared / "smiles")

    def __len__(self) -> int:
        return sum(len(store) for store in self.sets) + len(self.portraits)

    def _faces(self, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Calm crops [N, 256, 256, 3], and their landmarks [N, 468, 2]."""
        crops, points = [], []
        for _ in range(self.data.batch):
            portrait = rng.random() < self.data.portraits
            store = self.portraits if portrait else self.sets[int(rng.integers(len(self.sets)))]
            row = int(rng.integers(len(store)))
            crops.append(store.arrays[PAIRS][row, 0])
            points.append(store.arrays[POINTS][row, 0])
        return np.stack(crops), np.stack(points).astype(np.float32)

    def _mouths(self, rng: np.random.Generator) -> Mouths:
        """Calm mouths, augmented."""
        images, points = self._faces(rng)
        crops, count = to_tensor(images), len(images)
        lines = torch.from_numpy(np.stack([lip_line(face) for face in points]))
        thickness = torch.from_numpy(np.stack([lip_heights(face) for face in points]))
        off = Misalignment.draw(count, rng)
        crops, lines = off.of_maps(crops), off.of_points(lines, CROP_SIZE)
        mirrored = torch.from_numpy(rng.random(count) < 0.5)
        picture = mouth_of(augment_single(flip(crops, mirrored), rng))
        lines = mirrored_points(lines, CROP_SIZE, mirrored)
        line, outside = (
            mouth_of(torch.from_numpy(np.stack([of(row, CROP_SIZE, 1) for row in lines.numpy()])))
            for of in (below, aside)
        )
        line, outside = line[:, None], outside[:, None]
        return Mouths(picture, on_the_dark(picture, line, outside), outside, thickness)

    def draw(self, rng: np.random.Generator) -> LipBatch:
        """A batch, augmented."""
        mouths = self._mouths(rng)
        count = len(mouths.picture)
        drawn = rng.uniform(-_NEVER, 1, (count, 1, 1, 1)).astype(np.float32)
        much = torch.from_numpy(drawn).clamp(min=LEAST)
        chosen = torch.from_numpy(rng.random((count, 1, 1, 1)) < self.data.untouched)
        untouched = chosen & (much == LEAST)
        shown = torch.where(untouched, mouths.picture, spoilt(mouths, much, rng))
        blocks = mouths.line.unflatten(2, (-1, MAP_STEP)).unflatten(4, (-1, MAP_STEP))
        line = blocks.mean((3, 5))
        height = mouths.thickness.amax(1).clamp(min=6.0).view(-1, 1, 1, 1)
        off = torch.from_numpy(rng.normal(0, _CORNERS_OFF, (count, 1, 1, 1)).astype(np.float32))
        corners = mouths.aside[:, :, :1, ::MAP_STEP] - off
        share = hides(line, torch.sigmoid(-corners / 2))
        return LipBatch(
            shown=hidden(shown, share, DEVIATION * much),
            line=line,
            share=share * much,
            target=mouths.picture,
            near=torch.exp(-((mouths.line / height) ** 2)) * torch.sigmoid(-mouths.aside / 3),
        )


def lip_heights(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Thickness of the upper and of the lower lip in their middle, [2], of landmarks [468, 2]."""
    above, upper, lower, beneath = (points[index] for index in MOUTH_MIDDLE)
    heights = [np.linalg.norm(upper - above), np.linalg.norm(beneath - lower)]
    return np.array(heights, np.float32)
