"""Pairs as the joint stage draws them: a share from every set, masked where a crop is repeated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_training.classic.networks.pixels import to_network
from model_training.classic.pair_sets import PairSet, resize

CONTRAST, LIGHT = (0.8, 1.15), (-0.15, 0.15)
"""Factors and shifts of pixels in [-1, 1]."""


@dataclass(frozen=True)
class PairBatch:
    """B pairs.

    Attributes:
        source: the expression, float32 [B, C, S, S] in [-1, 1].
        target: the neutral face, the same.
        valid: 1 where a pixel comes from the photograph, 0 where its border is repeated, float32
            [B, 1, S, S].
    """

    source: Tensor
    target: Tensor
    valid: Tensor


class PairBatches:
    """Batches whose pairs are drawn set by set; the same step always gives the same batch.

    Args:
        sets: pairs; held-out ones are never drawn, in no set if they are in one.
        shares: how often each set is drawn, relative to the others.
        batch_size: pairs a batch.
        size: side of the images given.
        channels: 1 for grey.
        seed: of everything drawn: pairs, mirroring, and how light and how contrasty they are.
        held_out: draw held-out pairs, and no others.
        varied: vary contrast and brightness.
    """

    def __init__(
        self,
        sets: Sequence[PairSet],
        shares: Sequence[float],
        batch_size: int,
        size: int,
        channels: int,
        seed: int,
        *,
        held_out: bool = False,
        varied: bool = True,
    ) -> None:
        out = {p for s in sets for p, h in zip(s.people, s.held_out, strict=True) if h}
        self.rows = [
            np.array([k for k, p in enumerate(s.people) if (p in out) == held_out], np.int64)
            for s in sets
        ]
        weights = np.array([w * bool(len(r)) for w, r in zip(shares, self.rows, strict=True)])
        if not weights.sum():
            raise ValueError("there is no pair to draw")
        self.sets, self.shares = sets, weights / weights.sum()
        self.batch_size, self.size, self.channels, self.seed = batch_size, size, channels, seed
        self.varied = varied

    def at(self, step: int) -> PairBatch:
        """The batch of step 0, 1, ..."""
        rng = np.random.default_rng([self.seed, step])
        drawn = [self._draw(rng) for _ in range(self.batch_size)]
        source, target, valid = (np.stack(part) for part in zip(*drawn, strict=True))
        gain, shift = self._light(rng)
        return PairBatch(
            (to_network(torch.from_numpy(source), self.channels) * gain + shift).clamp(-1, 1),
            (to_network(torch.from_numpy(target), self.channels) * gain + shift).clamp(-1, 1),
            torch.from_numpy(valid.astype(np.float32))[:, None],
        )

    def _light(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Contrast and brightness of every pair, the same for both sides, [B, 1, 1, 1] each."""
        if not self.varied:
            return torch.tensor(1.0), torch.tensor(0.0)
        drawn = np.stack(
            [rng.uniform(*CONTRAST, self.batch_size), rng.uniform(*LIGHT, self.batch_size)]
        )
        gain, shift = torch.from_numpy(drawn.astype(np.float32))[:, :, None, None, None]
        return gain, shift

    def _draw(
        self, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
        number = int(rng.choice(len(self.sets), p=self.shares))
        chosen, row = self.sets[number], int(rng.choice(self.rows[number]))
        source = resize(chosen.images[chosen.source[row]], self.size)
        target = resize(chosen.images[chosen.target[row]], self.size)
        valid = _valid(chosen, row, self.size)
        if rng.random() < 0.5:
            source, target, valid = source[:, ::-1], target[:, ::-1], valid[:, ::-1]
        return source, target, valid


def _valid(pairs: PairSet, row: int, size: int) -> NDArray[np.uint8]:
    if pairs.valid is None:
        return np.ones((size, size), np.uint8)
    bits = np.unpackbits(pairs.valid[row])
    side = int(np.sqrt(len(bits)))
    mask = bits.reshape(side, side)
    shrunk = cv2.resize(mask, (size, size), interpolation=cv2.INTER_NEAREST)
    return np.asarray(shrunk, np.uint8)
