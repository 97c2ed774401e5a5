"""Batches for `photo`: synthetic pairs, transplants, real smiles, and real crops without a pair."""

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
from model_training.photo.network import WINDOW_LEFT, WINDOW_SIZE, WINDOW_TOP
from model_training.photo.pair_flow import PairFlow
from model_training.photo.pair_store import PairStore
from model_training.portraits.augment import augment_pair, augment_single, misalign, one_side
from model_training.runs.distributed import ALONE, Workers


@dataclass(frozen=True)
class Window:
    """The 192 px part of the 256 px crops that a step sees.

    Serving always looks at `Window.middle()`; training shifts it, because a network that learns
    where the frame is takes the face's place for granted.
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
        down, right = int(rng.integers(-6, 7)), int(rng.integers(-16, 17))
        return cls(WINDOW_TOP + down, WINDOW_LEFT + right)

    def cut(self, images: Tensor) -> Tensor:
        """The window of [..., 256, 256] maps."""
        bottom, right = self.top + WINDOW_SIZE, self.left + WINDOW_SIZE
        return images[..., self.top : bottom, self.left : right]

    def put_back(self, window: Tensor, crops: Tensor) -> Tensor:
        """The crops [..., 256, 256] with this in their window."""
        bottom, right = self.top + WINDOW_SIZE, self.left + WINDOW_SIZE
        rows = crops[..., self.top : bottom, :]
        middle = torch.cat([rows[..., : self.left], window, rows[..., right:]], -1)
        return torch.cat([crops[..., : self.top, :], middle, crops[..., bottom:, :]], -2)


class PhotoBatch(NamedTuple):
    """Whole crops, float32 [.., 256, 256] in [-1, 1]; the network sees a window of them.

    Attributes:
        neutral: [P, 3, S, S] targets.
        expressive: [P, 3, S, S] inputs.
        valid: [P, 1, S, S] in {0, 1}.
        flow: [P, 3, S, S]: how far off a target's pixel lies in the input (x, y; pixels), and
            whether that is to be trusted.
        wild: [W, 3, S, S] real expressive photographs.
        calm: [C, 3, S, S] real neutral photographs.
    """

    neutral: Tensor
    expressive: Tensor
    valid: Tensor
    flow: Tensor
    wild: Tensor
    calm: Tensor


class PhotoShare(NamedTuple):
    """A worker's rows of a `PhotoBatch`, and `known` [K]: which of its pairs are of one person.

    Those are the pairs whose flow is trusted somewhere. They are counted here, where the batch is
    made: a step on a GPU would have to wait for it.
    """

    neutral: Tensor
    expressive: Tensor
    valid: Tensor
    flow: Tensor
    wild: Tensor
    calm: Tensor
    known: Tensor


def to_tensor(images: NDArray[np.uint8]) -> Tensor:
    """uint8 [B, H, W, 3] -> float32 [B, 3, H, W] in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).float() / 127.5 - 1


class PhotoBatches:
    """Draws batches from memory-mapped sets."""

    def __init__(self, data: PhotoData) -> None:
        self.data = data
        self.synthetic = [PairStore.open(folder) for folder in data.pairs]
        self.first = np.cumsum([0, *(len(store) for store in self.synthetic[:-1])])
        labelled = zip(data.pairs, self.synthetic, strict=True)
        read = [read_emphasis(folder, len(store)) for folder, store in labelled]
        emphasis = np.concatenate([weights for weights, _ in read])
        self.emphasis = emphasis / emphasis.sum()
        self.one_sided = np.concatenate([one_sided for _, one_sided in read])
        self.flow_between = PairFlow()
        self.transplants = PairStore.open(data.prepared / "transplants")
        self.smiles = PairStore.open(data.prepared / "smiles")
        self.expressive = np.load(data.prepared / "expressive.npy", mmap_mode="r")
        self.neutral = np.load(data.prepared / "neutral.npy", mmap_mode="r")
        weights = np.load(data.prepared / "rarity.npy").astype(np.float64)
        self.rarity = weights / weights.sum()

    @property
    def images(self) -> int:
        """Images that the generator sees in a step."""
        data = self.data
        return data.synthetic + data.transplants + data.smiles + data.wild

    def _pairs(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Neutral, expressive, valid, and bool [P]: is to wink."""
        data = self.data
        # The last pairs are judged by the critic too: closing eyes, then the real ones.
        chosen = rng.choice(len(self.emphasis), data.synthetic, p=self.emphasis)
        store_of = np.searchsorted(self.first, chosen, side="right") - 1
        order = np.lexsort((self.one_sided[chosen], store_of))
        chosen, store_of = chosen[order], store_of[order]
        drawn = [
            self.synthetic[place].batch(chosen[store_of == place] - self.first[place])
            for place in np.unique(store_of)
        ]
        winks = self.one_sided[chosen] & (rng.random(len(chosen)) < data.one_sided)
        for store, count in ((self.transplants, data.transplants), (self.smiles, data.smiles)):
            if count:
                drawn.append(store.batch(rng.integers(0, len(store), count)))
        neutral, expressive, valid = (np.concatenate(part) for part in zip(*drawn, strict=True))
        return (
            to_tensor(neutral),
            to_tensor(expressive),
            torch.from_numpy(valid[:, None].astype(np.float32)),
            torch.from_numpy(np.pad(winks, (0, data.transplants + data.smiles))),
        )

    def _crops(
        self,
        crops: NDArray[np.uint8],
        rows: NDArray[np.integer],
        rng: np.random.Generator,
    ) -> Tensor:
        margin = crops.shape[1] - 256
        drawn = []
        for row in rows:
            y, x = rng.integers(0, margin + 1, 2)
            drawn.append(crops[int(row), y : y + 256, x : x + 256])
        images = to_tensor(np.stack(drawn))
        if rng.random() < self.data.misaligned:
            images = misalign(images, rng)
        return augment_single(images, rng)

    def draw(self, rng: np.random.Generator) -> PhotoBatch:
        """A batch, augmented."""
        data = self.data
        neutral, expressive, valid, winks = self._pairs(rng)
        expressive = one_side(neutral, expressive, winks, rng)
        if rng.random() < self.data.misaligned:
            joined = misalign(torch.cat([neutral, expressive, valid], 1), rng)
            neutral, expressive, valid = joined.split([3, 3, 1], 1)
            valid = (valid > 0.5).float()
        # Neutral in, neutral out: the first few are their own target.
        expressive = torch.cat([neutral[: data.unchanged], expressive[data.unchanged :]])
        # Before noise and blur, which lie still. A transplant's members are two people.
        alike = torch.ones(len(neutral), dtype=torch.bool)
        alike[data.synthetic : data.synthetic + data.transplants] = False
        flow = self.flow_between(neutral, expressive, alike)
        neutral, expressive, valid, flow = augment_pair(neutral, expressive, valid, flow, rng)
        wild = rng.choice(len(self.expressive), self.data.wild, p=self.rarity)
        calm = rng.integers(0, len(self.neutral), self.data.calm)
        return PhotoBatch(
            neutral=neutral,
            expressive=expressive,
            valid=valid,
            flow=flow,
            wild=self._crops(self.expressive, wild, rng),
            calm=self._crops(self.neutral, calm, rng),
        )

    def calm_crops(self, count: int) -> Tensor:
        """Some real neutral crops as they are, [N, 3, 256, 256]."""
        rows = np.linspace(0, len(self.neutral) - 1, min(count, len(self.neutral))).astype(int)
        edge = (self.neutral.shape[1] - 256) // 2
        return to_tensor(self.neutral[rows, edge : edge + 256, edge : edge + 256])

    def panel(self) -> Tensor:
        """Validation people for sheets, [24, 3, 256, 256]: never trained on."""
        return to_tensor(np.load(self.data.prepared / "panel.npy"))


def photo_steps(
    batches: PhotoBatches, workers: Workers = ALONE
) -> Callable[[np.random.Generator], tuple[Window, PhotoShare]]:
    """A step's window and batch by its generator; workers take their rows of the joint batch."""

    def make(rng: np.random.Generator) -> tuple[Window, PhotoShare]:
        window, joint = Window.random(rng), batches.draw(rng)
        own = PhotoBatch(*(workers.share(part) for part in joint))
        trusted = own.flow[:, 2].amax((1, 2)) > 0
        return window, PhotoShare(*own, torch.nonzero(trusted).flatten())

    return make
