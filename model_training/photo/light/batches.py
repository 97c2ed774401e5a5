"""Batches of moved faces and the light they lack."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from model_training.photo.batches import PhotoBatches, distances
from model_training.photo.light.config import LightData
from model_training.photo.light.network import at_maps, moved_face
from model_training.photo.light.target import lacking, off_line
from model_training.photo.network import PhotoNet
from model_training.photo.render import compose, light_in
from model_training.photo.windows import Window

_WEAKER = -0.5
"""What a shade that is weakened most loses of itself."""


class LightBatch(NamedTuple):
    """Faces at the maps' resolution, float32 [N, .., 96, 96].

    Attributes:
        face: [N, 3, ...] in [-1, 1], moved.
        motion: [N, 4, ...], see `Moved`.
        line: [N, 1, ...], the same.
        stops: [N, 1, ...], the light they lack.
        trust: [N, 1, ...] in [0, 1], where that is known.
    """

    face: Tensor
    motion: Tensor
    line: Tensor
    stops: Tensor
    trust: Tensor


class LightBatches:
    """Draws pairs and moves their inputs as they will be moved when served."""

    def __init__(self, data: LightData, motion: PhotoNet) -> None:
        self.data, self.motion = data, motion.eval().requires_grad_(False)
        self.photo = PhotoBatches(data.pairs_of_photo())

    @property
    def images(self) -> int:
        """Faces in a batch."""
        return self.data.synthetic + self.data.smiles + self.data.unchanged

    @torch.no_grad()
    def draw(self, rng: np.random.Generator) -> LightBatch:
        """A batch, augmented."""
        window = Window.random(rng)
        pairs = self.photo.pairs(rng, bool(rng.random() < self.photo.data.misaligned))
        neutral = window.cut(pairs.neutral)
        shown, flow = window.cut(pairs.expressive), window.cut(pairs.flow)
        line, aside = (window.cut(part) for part in distances(pairs.line.numpy()))
        moved = moved_face(at_maps(shown), compose(self.motion(shown)))
        stops, trust = lacking(neutral, moved, flow)
        trust = trust * off_line(line, aside) * off_line(moved.line, aside)
        batch = LightBatch(moved.face, moved.motion, moved.line, stops, trust)
        return self._varied(batch, at_maps(neutral), rng)

    def _varied(self, batch: LightBatch, calm: Tensor, rng: np.random.Generator) -> LightBatch:
        """Shades deeper and fainter than they were photographed, and on other people's faces.

        Few people were photographed with both faces. A shade is known as light, so it can be laid
        on any other calm photograph.

        Args:
            batch: synthetic pairs, smiles, calm faces.
            calm: [N, 3, 96, 96], the neutral photographs.
            rng: the run's generator.
        """
        data = self.data
        smiles, paired = data.synthetic, data.synthetic + data.smiles
        deeper = torch.zeros(len(calm), 1, 1, 1)
        drawn = rng.uniform(_WEAKER, data.deepest, (paired, 1, 1, 1)).astype(np.float32)
        deeper[:paired] = torch.from_numpy(drawn)
        varied = batch._replace(
            face=shaded(batch.face, deeper * batch.stops), stops=(1 + deeper) * batch.stops
        )
        borrowers = rng.choice(paired, round(data.lent * paired), replace=False)
        if data.smiles == 0 or len(borrowers) == 0:
            return varied
        lenders = rng.integers(smiles, paired, len(borrowers))
        for part in varied[1:]:
            part[borrowers] = part[lenders].clone()
        varied.face[borrowers] = shaded(calm[borrowers], varied.stops[lenders])
        return varied


def shaded(face: Tensor, stops: Tensor) -> Tensor:
    """A face in [-1, 1] that lacks so many stops of light more than it did."""
    return ((face + 1) * light_in(-stops) - 1).clamp(max=1.5)
