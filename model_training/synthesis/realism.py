"""Can a small network tell a synthetic smiling mouth from a real one?

It sees lower-face crops of real smiles and of pairs' expressive members, at one small size, and is
tested on people it has not seen. 50 % means it cannot tell them apart. Both kinds go through the
same resizing and blur, so that sharpness alone does not betray a kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from model_training.portraits.landmarks import LandmarkTable
from model_training.portraits.split import hashed_into_validation, person_of
from model_training.synthesis.photos import draw_jitter, place, portrait, read_photo
from model_training.synthesis.store import open_pairs

Images = NDArray[np.uint8]

MOUTH = (0.30, 0.56, 0.70, 0.84)
"""Left, top, right, bottom of the lower face in a crop: mouth, cheeks' lower half, chin."""
SIDE = 64
SMILING = 0.5
OPEN_SMILES = ("happy_open", "laugh")


@dataclass(frozen=True, slots=True)
class Mouths:
    """Lower faces of one kind.

    Attributes:
        images: uint8 RGB [N, SIDE, SIDE, 3].
        people: N names.
    """

    images: Images
    people: list[str]


def lower_face(crop: Images) -> Images:
    """The lower face of a crop at [SIDE, SIDE, 3], through a common low resolution."""
    side = len(crop)
    left, top, right, bottom = (round(share * side) for share in MOUTH)
    small = cv2.resize(crop[top:bottom, left:right], (SIDE // 2, SIDE // 2), interpolation=3)
    return np.asarray(cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), np.uint8)


def real_smiles(
    table: LandmarkTable, photos: Path, source: str, size: int, count: int, seed: int
) -> Mouths:
    """Real smiles showing teeth, cut, jittered and graded like pairs."""
    smile = np.minimum(table.score("mouthSmileLeft"), table.score("mouthSmileRight"))
    usable = (smile > SMILING) & (table.lip_gap() > 0.06) & (np.abs(table.pose[:, 0]) < 20)
    rows = np.flatnonzero(usable & table.in_sets((source,)))
    rng = np.random.default_rng(seed)
    images: list[Images] = []
    people: list[str] = []
    for row in rng.permutation(rows)[:count]:
        working = round(size * 1.3)
        face = portrait(read_photo(photos / table.paths[row]), table.points[row], working)
        images.append(lower_face(place(face.image, draw_jitter(rng, working, size), size)))
        people.append(person_of(table.paths[row]))
    return Mouths(np.stack(images), people)


def synthetic_smiles(folder: Path, source: str, count: int) -> Mouths:
    """Expressive members of a pair set that smile with parted lips, from one data set."""
    pairs, _, labels = open_pairs(folder)
    images: list[Images] = []
    people: list[str] = []
    for row, label in enumerate(labels):
        wanted = label["expression"] in OPEN_SMILES and label["source"].startswith(source)
        if wanted and len(images) < count:
            images.append(lower_face(np.asarray(pairs[row, 1])))
            people.append(label["person"])
    return Mouths(np.stack(images), people)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the network thinks of the faces of unseen people.

    Attributes:
        real, synthetic: logits, float32 [N]; above 0 it says real.
        real_rows, synthetic_rows: int [N], which faces of the two kinds they are.
    """

    real: NDArray[np.float32]
    synthetic: NDArray[np.float32]
    real_rows: NDArray[np.int64]
    synthetic_rows: NDArray[np.int64]

    @property
    def accuracy(self) -> float:
        """Balanced: the mean of the shares that are right of both kinds."""
        return float(((self.real > 0).mean() + (self.synthetic <= 0).mean()) / 2)


def accuracy(real: Mouths, synthetic: Mouths, epochs: int = 25, seed: int = 0) -> float:
    """Balanced accuracy on unseen people (a quarter of them, by the hash of the name)."""
    return judge(real, synthetic, epochs, seed).accuracy


def judge(real: Mouths, synthetic: Mouths, epochs: int = 25, seed: int = 0) -> Judgement:
    """Train the network on three quarters of the people and ask it about the others."""
    torch.manual_seed(seed)
    images = np.concatenate([real.images, synthetic.images])
    target = np.repeat([1.0, 0.0], [len(real.images), len(synthetic.images)])
    held = np.array([_held_out(person) for person in real.people + synthetic.people])
    x = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).float() / 127.5 - 1
    y = torch.from_numpy(target).float()
    train, test = torch.from_numpy(~held).nonzero()[:, 0], torch.from_numpy(held).nonzero()[:, 0]
    network = classifier()
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-2)
    weight = torch.tensor(float((target[~held] == 0).sum() / max((target[~held] == 1).sum(), 1)))
    loss = nn.BCEWithLogitsLoss(pos_weight=weight)
    for _ in range(epochs):
        network.train()
        for batch in torch.split(train[torch.randperm(len(train))], 32):
            flipped = torch.rand(len(batch)) < 0.5
            seen = torch.where(flipped[:, None, None, None], x[batch].flip(3), x[batch])
            optimizer.zero_grad()
            loss(network(seen)[:, 0], y[batch]).backward()
            optimizer.step()
    network.eval()
    with torch.no_grad():
        logits = np.asarray(network(x[test])[:, 0].numpy(), np.float32)
    rows, first = test.numpy(), len(real.images)
    is_real = rows < first
    return Judgement(logits[is_real], logits[~is_real], rows[is_real], rows[~is_real] - first)


def _held_out(person: str) -> bool:
    return any(hashed_into_validation(f"{salt}{person}") for salt in range(4))


def classifier() -> nn.Sequential:
    """Four convolutions, 60 thousand parameters: enough for texture and shape of a mouth."""
    layers: list[nn.Module] = []
    channels = 3
    for width in (16, 32, 48, 64):
        layers += [nn.Conv2d(channels, width, 3, 2, 1), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(channels, 1)
    )
