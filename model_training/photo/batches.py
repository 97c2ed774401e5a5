"""Batches for `photo`: synthetic pairs, real smiles, and real crops without a pair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_training.photo.config import PhotoData
from model_training.photo.emphasis import read_emphasis
from model_training.photo.landmark_flow import aside, below, opening_between
from model_training.photo.network import (
    CROP_SIZE,
    MAP_STEP,
    WINDOW_LEFT,
    WINDOW_SIZE,
    WINDOW_TOP,
)
from model_training.photo.pair_store import Pairs, PairStore, joined
from model_training.portraits.augment import (
    Misalignment,
    augment_pair,
    augment_single,
    flip,
    mirrored_flow,
    mirrored_points,
)
from model_training.runs.distributed import ALONE, Workers


@dataclass(frozen=True)
class Window:
    """The 192 px part of the 256 px crops that a step sees.

    Serving always looks at `Window.middle()`; training shifts it, because a network that learns
    where the frame is takes the face's place for granted. Offsets are even: maps have half the
    crops' size.
    """

    top: int
    left: int

    @classmethod
    def middle(cls) -> Window:
        """Where serving looks."""
        return cls(WINDOW_TOP, WINDOW_LEFT)

    @classmethod
    def random(cls, rng: np.random.Generator) -> Window:
        """Up to 6 px up or down and 16 px left or right of the middle."""
        down, right = 2 * int(rng.integers(-3, 4)), 2 * int(rng.integers(-8, 9))
        return cls(WINDOW_TOP + down, WINDOW_LEFT + right)

    def cut(self, images: Tensor) -> Tensor:
        """The window of crops [..., 256, 256], or of their maps [..., 128, 128]."""
        step = CROP_SIZE // images.shape[-1]
        top, left, side = self.top // step, self.left // step, WINDOW_SIZE // step
        return images[..., top : top + side, left : left + side]

    def put_back(self, window: Tensor, crops: Tensor) -> Tensor:
        """The crops [..., 256, 256] with this in their window."""
        bottom, right = self.top + WINDOW_SIZE, self.left + WINDOW_SIZE
        rows = crops[..., self.top : bottom, :]
        middle = torch.cat([rows[..., : self.left], window, rows[..., right:]], -1)
        return torch.cat([crops[..., : self.top, :], middle, crops[..., bottom:, :]], -2)


class PhotoBatch(NamedTuple):
    """Whole crops, float32 [.., 256, 256] in [-1, 1], and their maps [.., 128, 128].

    Attributes:
        neutral: [P, 3, S, S] targets.
        expressive: [P, 3, S, S] inputs.
        flow: [P, 3, H, H], how far off a target's pixel lies in the input (x, y; pixels of the
            crop), and whether that is known.
        opening: [P, 1, H, H] in [0, 1], where in the input one looks into the mouth.
        line: [P, 1, H, H], signed distance to the target's lip line in pixels of the crop.
        aside: [P, 1, H, H], how far beyond the target's corners of the mouth, in pixels of the
            crop; negative between them.
        wild: [W, 3, S, S] real expressive photographs.
        wild_opening: [W, 1, H, H], as `opening`.
        lips: [W, 2, H, H], how far below the upper and the lower inner lip a place lies, pixels.
        wild_aside: [W, 1, H, H], as `aside`, of their own mouths.
    """

    neutral: Tensor
    expressive: Tensor
    flow: Tensor
    opening: Tensor
    line: Tensor
    aside: Tensor
    wild: Tensor
    wild_opening: Tensor
    lips: Tensor
    wild_aside: Tensor


def to_tensor(images: NDArray[np.uint8]) -> Tensor:
    """uint8 [B, H, W, 3] -> float32 [B, 3, H, W] in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).float() / 127.5 - 1


def _stacked(maps: list[NDArray[np.float32]]) -> Tensor:
    return torch.from_numpy(np.stack(maps))


def _shifted(
    images: NDArray[np.uint8],
    lips: NDArray[np.float32],
    rows: NDArray[np.integer],
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Crops of larger ones [N, S+M, S+M, 3], each from a place by chance, and lips in them."""
    corners = rng.integers(0, images.shape[1] - CROP_SIZE + 1, (len(rows), 2))
    crops = [
        images[int(row), y : y + CROP_SIZE, x : x + CROP_SIZE]
        for row, (y, x) in zip(rows, corners, strict=True)
    ]
    return np.stack(crops), (lips[rows] - corners[:, None, None, ::-1]).astype(np.float32)


class PhotoBatches:
    """Draws batches from memory-mapped sets."""

    def __init__(self, data: PhotoData) -> None:
        self.data = data
        self.synthetic = [PairStore.open(folder) for folder in data.pairs]
        self.first = np.cumsum([0, *(len(store) for store in self.synthetic[:-1])])
        labelled = zip(data.pairs, self.synthetic, strict=True)
        emphasis = np.concatenate([read_emphasis(folder, len(store)) for folder, store in labelled])
        self.emphasis = emphasis / emphasis.sum()
        self.smiles = PairStore.open(data.prepared / "smiles")
        self.expressive = np.load(data.prepared / "expressive.npy", mmap_mode="r")
        self.lips = np.load(data.prepared / "expressive-lips.npy")
        self.neutral = np.load(data.prepared / "neutral.npy", mmap_mode="r")
        self.neutral_lips = np.load(data.prepared / "neutral-lips.npy")
        weights = np.load(data.prepared / "rarity.npy").astype(np.float64)
        self.rarity = weights / weights.sum()

    @property
    def images(self) -> int:
        """Images that the network sees in a step."""
        data = self.data
        return data.synthetic + data.smiles + data.unchanged + data.wild

    def _pairs(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Neutral, expressive, flow with trust, opening, and the lip line [P, 11, 2]."""
        data = self.data
        chosen = rng.choice(len(self.emphasis), data.synthetic, p=self.emphasis)
        store_of = np.searchsorted(self.first, chosen, side="right") - 1
        drawn = [
            self.synthetic[place].batch(chosen[store_of == place] - self.first[place])
            for place in np.unique(store_of)
        ]
        if data.smiles:
            drawn.append(self.smiles.batch(rng.integers(0, len(self.smiles), data.smiles)))
        if data.unchanged:
            drawn.append(self._unchanged(rng))
        pairs = joined(drawn)
        flow = np.concatenate([pairs.flow, pairs.known[..., None].astype(np.float32)], 3)
        return (
            to_tensor(pairs.neutral),
            to_tensor(pairs.expressive),
            torch.from_numpy(np.ascontiguousarray(flow.transpose(0, 3, 1, 2))),
            torch.from_numpy(pairs.opening[:, None]),
            torch.from_numpy(pairs.line),
        )

    def _unchanged(self, rng: np.random.Generator) -> Pairs:
        """Real calm photographs that are their own targets."""
        rows = rng.integers(0, len(self.neutral), self.data.unchanged)
        crops, lips = _shifted(self.neutral, self.neutral_lips, rows, rng)
        half = CROP_SIZE // MAP_STEP
        return Pairs(
            neutral=crops,
            expressive=crops,
            flow=np.zeros((len(rows), half, half, 2), np.float32),
            known=np.ones((len(rows), half, half), np.bool_),
            opening=np.stack([opening_between(both, CROP_SIZE, MAP_STEP) for both in lips]),
            line=lips.mean(1),
        )

    def _wild(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Real expressive crops and the inner edges of their lips [W, 2, 11, 2]."""
        rows = rng.choice(len(self.expressive), self.data.wild, p=self.rarity)
        crops, lips = _shifted(self.expressive, self.lips, rows, rng)
        return to_tensor(crops), torch.from_numpy(lips)

    def draw(self, rng: np.random.Generator) -> PhotoBatch:
        """A batch, augmented."""
        neutral, expressive, flow, opening, line = self._pairs(rng)
        wild, lips = self._wild(rng)
        paired = len(neutral)
        if rng.random() < self.data.misaligned:
            off = Misalignment.draw(paired, rng)
            both = off.of_maps(torch.cat([neutral, expressive], 1))
            neutral, expressive = both.split(3, 1)
            flow, opening = off.of_flow(flow), off.of_maps(opening)
            line = off.of_points(line, CROP_SIZE)
            off = Misalignment.draw(len(wild), rng)
            wild, lips = off.of_maps(wild), off.of_points(lips, CROP_SIZE)
        mirrored = torch.from_numpy(rng.random(paired) < 0.5)
        neutral, expressive = flip(neutral, mirrored), flip(expressive, mirrored)
        flow, opening = mirrored_flow(flow, mirrored), flip(opening, mirrored)
        line = mirrored_points(line, CROP_SIZE, mirrored)
        neutral, expressive, flow = augment_pair(neutral, expressive, flow, rng)
        mirrored = torch.from_numpy(rng.random(len(wild)) < 0.5)
        wild, lips = flip(wild, mirrored), mirrored_points(lips, CROP_SIZE, mirrored)
        lines, edges = line.numpy(), lips.numpy()
        return PhotoBatch(
            neutral=neutral,
            expressive=expressive,
            flow=flow,
            opening=opening,
            line=_stacked([below(one, CROP_SIZE, MAP_STEP)[None] for one in lines]),
            aside=_stacked([aside(one, CROP_SIZE, MAP_STEP)[None] for one in lines]),
            wild=augment_single(wild, rng),
            wild_opening=_stacked(
                [opening_between(both, CROP_SIZE, MAP_STEP)[None] for both in edges]
            ),
            lips=_stacked(
                [np.stack([below(one, CROP_SIZE, MAP_STEP) for one in both]) for both in edges]
            ),
            wild_aside=_stacked([aside(both[0], CROP_SIZE, MAP_STEP)[None] for both in edges]),
        )

    def calm_crops(self, count: int) -> Tensor:
        """Some real neutral crops as they are, [N, 3, 256, 256]."""
        rows = np.linspace(0, len(self.neutral) - 1, min(count, len(self.neutral))).astype(int)
        edge = (self.neutral.shape[1] - CROP_SIZE) // 2
        kept = slice(edge, edge + CROP_SIZE)
        return to_tensor(self.neutral[rows, kept, kept])

    def panel(self) -> Tensor:
        """Validation people for sheets, [24, 3, 256, 256]: never trained on."""
        return to_tensor(np.load(self.data.prepared / "panel.npy"))


def photo_steps(
    batches: PhotoBatches, workers: Workers = ALONE
) -> Callable[[np.random.Generator], tuple[Window, PhotoBatch]]:
    """A step's window and batch by its generator; workers take their rows of the joint batch."""

    def make(rng: np.random.Generator) -> tuple[Window, PhotoBatch]:
        window, joint = Window.random(rng), batches.draw(rng)
        return window, PhotoBatch(*(workers.share(part) for part in joint))

    return make
