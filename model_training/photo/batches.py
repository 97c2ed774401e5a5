"""Batches for `photo`: synthetic pairs, real smiles, and real crops without a pair."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_training.photo.config import PhotoData
from model_training.photo.emphasis import read_emphasis
from model_training.photo.landmark_flow import aside, below, opening_between
from model_training.photo.network import CROP_SIZE, MAP_STEP
from model_training.photo.pair_store import Pairs, PairStore, joined
from model_training.photo.tensors import to_tensor
from model_training.photo.windows import Shift, Window
from model_training.portraits.augment import (
    Misalignment,
    augment_pair,
    augment_single,
    flip,
    mirrored_flow,
    mirrored_points,
)
from model_training.runs.distributed import ALONE, Workers


class PhotoBatch(NamedTuple):
    """Whole crops, float32 [.., 256, 256] in [-1, 1], and their maps [.., 128, 128].

    The maps are of N = P + W inputs: pairs, then photographs without a partner, whose motion and
    line are guessed (`guess`) where they are said to be known.

    Attributes:
        neutral: [P, 3, S, S] targets.
        expressive: [P, 3, S, S] inputs.
        wild: [W, 3, S, S] real expressive photographs.
        flow: [N, 3, H, H], how far off a target's pixel lies in the input (x, y; pixels of the
            crop), and whether that is known.
        opening: [N, 1, H, H] in [0, 1], where in the input one looks into the mouth.
        line: [N, 1, H, H], signed distance to the target's lip line in pixels of the crop.
        aside: [N, 1, H, H], how far beyond the target's corners of the mouth, in pixels of the
            crop; negative between them.
        lips: [W, 2, H, H], how far below the upper and the lower inner lip a place lies, pixels.
    """

    neutral: Tensor
    expressive: Tensor
    wild: Tensor
    flow: Tensor
    opening: Tensor
    line: Tensor
    aside: Tensor
    lips: Tensor


class PairBatch(NamedTuple):
    """The pairs of a batch, augmented: whole crops, float32.

    Attributes:
        neutral: [P, 3, 256, 256] targets in [-1, 1].
        expressive: [P, 3, 256, 256] inputs.
        flow: [P, 3, 128, 128], see `PhotoBatch`.
        opening: [P, 1, 128, 128].
        line: [P, 11, 2], the target's lip line.
    """

    neutral: Tensor
    expressive: Tensor
    flow: Tensor
    opening: Tensor
    line: Tensor


def distances(lines: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
    """`line` and `aside` of a `PhotoBatch`, of lip lines [N, 11, 2]."""
    return (
        _stacked([below(line, CROP_SIZE, MAP_STEP)[None] for line in lines]),
        _stacked([aside(line, CROP_SIZE, MAP_STEP)[None] for line in lines]),
    )


def _stacked(maps: list[NDArray[np.float32]]) -> Tensor:
    return torch.from_numpy(np.stack(maps))


def _flow_and_trust(flow: NDArray[np.floating], known: NDArray[np.bool_]) -> Tensor:
    """[B, H, H, 2] and [B, H, H] as float32 [B, 3, H, H]."""
    both = np.concatenate([flow, known[..., None]], 3, dtype=np.float32)
    return torch.from_numpy(np.ascontiguousarray(both.transpose(0, 3, 1, 2)))


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
        self.flow = np.load(data.prepared / "expressive-flow.npy", mmap_mode="r")
        self.known = np.load(data.prepared / "expressive-known.npy", mmap_mode="r")
        self.line = np.load(data.prepared / "expressive-line.npy")
        self.neutral = np.load(data.prepared / "neutral.npy", mmap_mode="r")
        self.neutral_lips = np.load(data.prepared / "neutral-lips.npy")
        weights = np.load(data.prepared / "rarity.npy").astype(np.float64)
        self.rarity = weights / weights.sum()

    @property
    def images(self) -> int:
        """Images that the network sees in a step."""
        data = self.data
        return data.synthetic + data.smiles + data.unchanged + data.wild

    def _pairs(self, rng: np.random.Generator) -> PairBatch:
        """Synthetic pairs, smiles and calm faces, in this order, as they are."""
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
        return PairBatch(
            to_tensor(pairs.neutral),
            to_tensor(pairs.expressive),
            _flow_and_trust(pairs.flow, pairs.known),
            torch.from_numpy(pairs.opening[:, None]),
            torch.from_numpy(pairs.line),
        )

    def _unchanged(self, rng: np.random.Generator) -> Pairs:
        """Real calm photographs that are their own targets."""
        rows = rng.integers(0, len(self.neutral), self.data.unchanged)
        shift = Shift(rows, self.neutral.shape[1], rng)
        crops, lips = shift.of_images(self.neutral), shift.of_points(self.neutral_lips)
        half = CROP_SIZE // MAP_STEP
        return Pairs(
            neutral=crops,
            expressive=crops,
            flow=np.zeros((len(rows), half, half, 2), np.float32),
            known=np.ones((len(rows), half, half), np.bool_),
            opening=np.stack([opening_between(both, CROP_SIZE, MAP_STEP) for both in lips]),
            line=lips.mean(1),
        )

    def _wild(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Real expressive crops, their flow with trust, the inner edges of their lips [W, 2, 11, 2]
        and the calm lip line [W, 11, 2]."""
        rows = rng.choice(len(self.expressive), self.data.wild, p=self.rarity)
        shift = Shift(rows, self.expressive.shape[1], rng)
        return (
            to_tensor(shift.of_images(self.expressive)),
            _flow_and_trust(shift.of_images(self.flow), shift.of_images(self.known)),
            torch.from_numpy(shift.of_points(self.lips)),
            torch.from_numpy(shift.of_points(self.line)),
        )

    def pairs(self, rng: np.random.Generator, misaligned: bool) -> PairBatch:
        """The pairs of a batch: synthetic ones, smiles, calm faces, in this order.

        Args:
            rng: the run's generator.
            misaligned: whether to resample them off their alignment.
        """
        neutral, expressive, flow, opening, line = self._pairs(rng)
        if misaligned:
            off = Misalignment.draw(len(neutral), rng)
            both = off.of_maps(torch.cat([neutral, expressive], 1))
            neutral, expressive = both.split(3, 1)
            flow, opening = off.of_flow(flow), off.of_maps(opening)
            line = off.of_points(line, CROP_SIZE)
        mirrored = torch.from_numpy(rng.random(len(neutral)) < 0.5)
        neutral, expressive = flip(neutral, mirrored), flip(expressive, mirrored)
        flow, opening = mirrored_flow(flow, mirrored), flip(opening, mirrored)
        line = mirrored_points(line, CROP_SIZE, mirrored)
        neutral, expressive, flow = augment_pair(neutral, expressive, flow, rng)
        return PairBatch(neutral, expressive, flow, opening, line)

    def draw(self, rng: np.random.Generator) -> PhotoBatch:
        """A batch, augmented."""
        misaligned = bool(rng.random() < self.data.misaligned)
        pairs = self.pairs(rng, misaligned)
        wild, wild_flow, lips, wild_line = self._wild(rng)
        if misaligned:
            off = Misalignment.draw(len(wild), rng)
            wild, wild_flow = off.of_maps(wild), off.of_flow(wild_flow)
            lips = off.of_points(lips, CROP_SIZE)
            wild_line = off.of_points(wild_line, CROP_SIZE)
        mirrored = torch.from_numpy(rng.random(len(wild)) < 0.5)
        wild, wild_flow = flip(wild, mirrored), mirrored_flow(wild_flow, mirrored)
        lips = mirrored_points(lips, CROP_SIZE, mirrored)
        wild_line = mirrored_points(wild_line, CROP_SIZE, mirrored)
        line, beyond = distances(torch.cat([pairs.line, wild_line]).numpy())
        edges = lips.numpy()
        openings = [opening_between(both, CROP_SIZE, MAP_STEP)[None] for both in edges]
        return PhotoBatch(
            neutral=pairs.neutral,
            expressive=pairs.expressive,
            wild=augment_single(wild, rng),
            flow=torch.cat([pairs.flow, wild_flow]),
            opening=torch.cat([pairs.opening, _stacked(openings)]),
            line=line,
            aside=beyond,
            lips=_stacked(
                [np.stack([below(one, CROP_SIZE, MAP_STEP) for one in both]) for both in edges]
            ),
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
