"""Where an expressive face's landmarks would be if it were calm, as a trained network sees it.

A photograph without a neutral partner has no known motion, and most real expressions have none. A
network that was trained on pairs guesses it: the mean of its answers to slightly different crops
wavers less than each of them, and of all faces near it the one that looks most like real calm faces
has lips that meet in an even line. What the network then learns from such guesses, it sees in
photographs that are turned, soft and compressed (self-training with noise: Xie et al. 2020, "Noisy
Student").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_training.photo.calm_shapes import CalmShapes
from model_training.photo.landmark_flow import LOWER_LIP
from model_training.photo.network import (
    CROP_SIZE,
    MAP_STEP,
    WINDOW_LEFT,
    WINDOW_SIZE,
    WINDOW_TOP,
    PhotoMaps,
    PhotoNet,
    window_of,
)
from model_training.portraits.augment import Misalignment
from model_training.portraits.landmarks import LIPS, MESH

Points = NDArray[np.floating]

LOOKS = 5
"""Crops that the network answers to, each mirrored as well."""
LIPS_OFF, OTHERS_OFF = 3.0, 1.0
"""Pixels of the crop by which guesses are wrong: what the prior may move them by."""
WAVERING = 2.5
"""Deviation of the answers' lips, in pixels, from which on a guess is not to be trusted."""
_INVERSIONS = 8
_BELOW = np.isin(np.arange(MESH), list(LOWER_LIP))
_ON_LIPS = np.isin(np.arange(MESH), list(LIPS))


class Guess(NamedTuple):
    """A calm face.

    Attributes:
        points: float64 [468, 2], pixels of the crop.
        wavering: standard deviation of the lips' points over the answers, pixels.
    """

    points: Points
    wavering: float


@dataclass(frozen=True)
class Guesser:
    """A network and what it knows of calm faces.

    Attributes:
        network: trained, in evaluation mode.
        shapes: of the same crops' side.
    """

    network: PhotoNet
    shapes: CalmShapes

    @torch.inference_mode()
    def __call__(self, crop: Tensor, points: Points, rng: np.random.Generator) -> Guess:
        """Guess one face.

        Args:
            crop: [1, 3, 256, 256] RGB in [-1, 1].
            points: [468, 2], the expressive face's landmarks in it.
            rng: of the different looks.
        """
        off = Misalignment.draw(LOOKS, rng)
        off.linear[0], off.shift[0] = torch.eye(2), 0.0
        looks = off.of_maps(crop.expand(LOOKS, -1, -1, -1))
        given = torch.from_numpy(np.asarray(points, np.float32)).expand(LOOKS, -1, -1)
        seen = off.of_points(given, CROP_SIZE)
        maps = self.network(window_of(torch.cat([looks, looks.flip(3)])))
        answers = []
        for look in range(2 * LOOKS):
            mirrored, face = look >= LOOKS, seen[look % LOOKS].numpy()
            answer = PhotoMaps(*(part[look] for part in maps))
            calm = moved_back(answer, self._mirrored(face) if mirrored else face)
            answers.append(self._mirrored(calm) if mirrored else calm)
        there = torch.from_numpy(np.stack(answers)).float().unflatten(0, (2, LOOKS))
        back = [off.points_before(of_all, CROP_SIZE) for of_all in there]
        every = torch.cat(back).double().numpy()
        wavering = float(every[:, _ON_LIPS].std(0).mean())
        deviation = np.where(_ON_LIPS, LIPS_OFF, OTHERS_OFF)
        return Guess(self.shapes.most_likely(every.mean(0), deviation), wavering)

    def _mirrored(self, points: Points) -> Points:
        turned = points[self.shapes.mirror] * [-1, 1] + [CROP_SIZE - 1, 0]
        return np.asarray(turned, np.float32)


def moved_back(maps: PhotoMaps, points: Points) -> Points:
    """Where the maps' motion shows these points of the input, [M, 2].

    The maps say where each place of the output is fetched from; this is the inverse, by fixed-point
    iteration. Lips belong to their own layer, other points to the one that shows them.

    Args:
        maps: of one window, without a batch axis.
        points: [M, 2], pixels of the crop; the first 468 landmarks.
    """
    pixels = WINDOW_SIZE / 2
    upper, lower, line = (
        part.float().numpy().transpose(1, 2, 0) for part in (maps.upper, maps.lower, maps.line)
    )
    fields = np.ascontiguousarray(np.dstack([upper * pixels, lower * pixels, line]), np.float32)
    found = np.asarray(points, np.float32).copy()
    for _ in range(_INVERSIONS):
        inside = (found - [WINDOW_LEFT, WINDOW_TOP] + 0.5) / MAP_STEP - 0.5
        x, y = (np.ascontiguousarray(inside[:, axis], np.float32)[None] for axis in (0, 1))
        here = cv2.remap(fields, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]
        below = np.where(_ON_LIPS, _BELOW, here[:, 4] > 0)
        found = points - np.where(below[:, None], here[:, 2:4], here[:, :2])
    return found
