"""What the meter learns from: aligned crops and MediaPipe's labels, and what a detector does."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from app.faces.alignment import EYE_MIDPOINT, INTER_OCULAR
from model_training.meter.labels import geometry
from model_training.meter.network import METER_SIZE
from model_training.portraits.augment import flip, side_light, soften, to_grey
from model_training.portraits.crops import CropCache, build_crops
from model_training.portraits.image_sets import LABELLED_SETS, FaceImage
from model_training.portraits.landmarks import LandmarkTable
from model_training.portraits.locate import LandmarkLocator
from model_training.runs.distributed import ALONE, Workers

STORED_SIZE = 192
"""Side of the stored crops; a little larger than the network's, for what turning costs."""
EYE_BIAS = (-0.01, -0.018)
"""Where the service's detector puts an eye, beside the iris centre that the crops were cut by:
mean along and across the eye line, in inter-ocular distances (130 FairFace and London faces)."""
EYE_NOISE_SHARED, EYE_NOISE_EACH = (0.04, 0.03), (0.03, 0.025)
"""Deviation of that, shared by both eyes (gaze moves both irises) and each eye's own."""


@dataclass(frozen=True)
class MeterSet:
    """N crops with labels.

    Attributes:
        crops: uint8 RGB [N, 192, 192, 3].
        labels: float32 [N, 55]: score, lip gap, eye opening, then 52 blendshapes.
        names: the 52 blendshape names.
        validation: bool [N]; people who are not trained on.
        keys: N image keys.
    """

    crops: NDArray[np.uint8]
    labels: NDArray[np.float32]
    names: tuple[str, ...]
    validation: NDArray[np.bool_]
    keys: tuple[str, ...]


def load_meter_set(folders: Mapping[str, Path], landmarks: Path, cache: Path) -> MeterSet:
    """Cut the crops (once, into `cache`) and look up their labels.

    Args:
        folders: image set name (a key of `image_sets.LABELLED_SETS`) -> its folder.
        landmarks: the landmark table; images that are not in it are left out.
        cache: folder for the crops.

    Raises:
        ValueError: no image of the folders is in the table.
    """
    table = LandmarkTable.load(landmarks)
    rows = {path: k for k, path in enumerate(table.paths)}
    images: list[FaceImage] = []
    for name, folder in folders.items():
        images += [image for image in LABELLED_SETS[name](folder) if image.key in rows]
    locator = LandmarkLocator(table, f"landmarks-{landmarks.stat().st_size}")
    crops: CropCache = build_crops(images, locator, STORED_SIZE, cache)
    chosen = [rows[key] for key in crops.keys]
    _, _, opening = geometry(table.points[chosen])
    quantities: list[NDArray[np.floating]]
    quantities = [table.expressiveness()[chosen], table.lip_gap()[chosen], opening]
    labels = np.concatenate([np.stack(quantities, 1), table.blendshapes[chosen]], 1)
    return MeterSet(
        crops=crops.crops,
        labels=labels.astype(np.float32),
        names=table.names,
        validation=crops.validation,
        keys=crops.keys,
    )


def mirrored_order(names: tuple[str, ...]) -> list[int]:
    """For each blendshape, the one it becomes when the picture is mirrored."""
    swap = {"Left": "Right", "Right": "Left"}

    def other(name: str) -> str:
        side = next((s for s in swap if name.endswith(s)), None)
        return name if side is None else name[: -len(side)] + swap[side]

    return [names.index(other(name)) for name in names]


def recut(crops: Tensor, right_eye: Tensor, left_eye: Tensor) -> Tensor:
    """Cut crops again as if the eyes had been found elsewhere.

    Args:
        crops: [B, 3, S, S], aligned by the contract.
        right_eye, left_eye: [B, 2], error of each found eye in inter-ocular distances.

    Returns:
        [B, 3, 160, 160].
    """
    middle = torch.tensor(EYE_MIDPOINT)
    half = torch.tensor([INTER_OCULAR / 2, 0.0])
    right = middle - half + right_eye * INTER_OCULAR
    left = middle + half + left_eye * INTER_OCULAR
    vector, centre = left - right, (left + right) / 2
    # Columns of the similarity from new crop positions to old ones, both as fractions of the side.
    c, s = vector[:, 0] / INTER_OCULAR, vector[:, 1] / INTER_OCULAR
    linear = torch.stack([torch.stack([c, -s], 1), torch.stack([s, c], 1)], 1)
    shift = centre - (linear @ middle)
    # affine_grid works in [-1, 1]: p = (q + 1) / 2.
    offset = 2 * (linear @ torch.full((2,), 0.5) + shift) - 1
    theta = torch.cat([linear, offset.unsqueeze(2)], 2)
    size = (len(crops), 3, METER_SIZE, METER_SIZE)
    grid = F.affine_grid(theta, list(size), align_corners=False)
    return F.grid_sample(crops, grid, padding_mode="border", align_corners=False)


def plain_batch(data: MeterSet, rows: NDArray[np.int64]) -> Tensor:
    """Crops without any change but the size: float32 [B, 3, 160, 160] in [-1, 1]."""
    crops = torch.from_numpy(np.ascontiguousarray(data.crops[rows])).permute(0, 3, 1, 2)
    return F.interpolate(crops.float() / 127.5 - 1, size=METER_SIZE, mode="area")


class MeterBatches:
    """Endless augmented batches; batch k is the same whenever it is asked for.

    Workers that share a batch draw all of it and make their own rows alone.

    Rare expressions are drawn more often: half of each batch evenly, half by how far a face's
    labels lie from the calm majority.
    """

    def __init__(
        self, data: MeterSet, batch_size: int, seed: int, workers: Workers = ALONE
    ) -> None:
        self._data, self._size, self._seed = data, batch_size, seed
        self._mine = workers.rows(batch_size)
        self._rows = np.flatnonzero(~data.validation)
        if not len(self._rows):
            raise ValueError("the meter's data hold nobody to train on")
        score, gap = data.labels[self._rows, 0], data.labels[self._rows, 1]
        rare = 0.2 + score / max(float(score.mean()), 1e-6) + np.minimum(gap / 0.1, 3.0)
        self._weights = 0.5 / len(rare) + 0.5 * rare / rare.sum()
        self._mirror = [0, 1, 2, *(3 + k for k in mirrored_order(data.names))]

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """(crops float32 [B, 3, 160, 160] in [-1, 1], labels float32 [B, 55]): this worker's."""
        rng, size, mine = np.random.default_rng([self._seed, step]), self._size, self._mine
        rows = rng.choice(self._rows, size, p=self._weights / self._weights.sum())[mine]
        crops = torch.from_numpy(np.ascontiguousarray(self._data.crops[rows])).permute(0, 3, 1, 2)
        labels = torch.from_numpy(self._data.labels[rows])

        def normal(*shape: int) -> Tensor:
            return torch.from_numpy(rng.normal(size=shape).astype(np.float32))

        def chance(share: float) -> Tensor:
            return torch.from_numpy(rng.random(size) < share)

        shared = torch.tensor(EYE_BIAS) + torch.tensor(EYE_NOISE_SHARED) * normal(size, 2)[mine]
        each = torch.tensor(EYE_NOISE_EACH) * normal(2, size, 2)[:, mine]
        images = recut(crops.float() / 127.5 - 1, shared + each[0], shared + each[1])
        mirrored = chance(0.5)[mine]
        images = flip(images, mirrored)
        labels = torch.where(mirrored[:, None], labels[:, self._mirror], labels)
        images = to_grey(images, chance(0.2)[mine])
        amount = torch.from_numpy((rng.random(size) * 0.5).astype(np.float32))
        images = side_light(images, amount[mine], normal(size)[mine] * math.pi)
        contrast = (1 + 0.2 * normal(size)[mine]).clamp(0.5, 1.6).view(-1, 1, 1, 1)
        images = (images * contrast + 0.15 * normal(size, 3, 1, 1)[mine]).clamp(-1, 1)
        sides = np.zeros(size, np.int64)
        for row in torch.nonzero(chance(0.15)).flatten().tolist():
            sides[row] = rng.integers(70, 130)
        for place in np.flatnonzero(sides[mine]):
            soften(images, int(place), int(sides[mine][place]))
        return images, labels
