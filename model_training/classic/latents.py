"""Latent means of pairs: all that the third stage sees of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from model_training.classic.networks import ClassicNet
from model_training.classic.networks.exported import ExportedClassic
from model_training.classic.networks.pixels import to_network
from model_training.classic.pair_sets import PairSet, resize
from model_training.runs.distributed import ALONE, Workers


@dataclass(frozen=True)
class LatentPairs:
    """N pairs in the latent space.

    Attributes:
        source: mu_e, float32 [N, Z].
        target: mu_n, float32 [N, Z].
        people: N names.
        held_out: bool [N]; measured on, never fitted.
    """

    source: NDArray[np.float32]
    target: NDArray[np.float32]
    people: tuple[str, ...]
    held_out: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.people)

    def select(self, chosen: NDArray[np.bool_]) -> LatentPairs:
        """The pairs where `chosen` [N] is True."""
        people = tuple(p for p, c in zip(self.people, chosen, strict=True) if c)
        return LatentPairs(self.source[chosen], self.target[chosen], people, self.held_out[chosen])


@torch.no_grad()
def encode_images(
    net: ClassicNet | ExportedClassic,
    images: NDArray[np.uint8],
    rows: NDArray[np.int64],
    device: torch.device,
    batch: int = 64,
    workers: Workers = ALONE,
) -> NDArray[np.float32]:
    """mu of some crops, in float32.

    Args:
        net: put into evaluation mode.
        images: uint8 RGB [M, S', S', 3] of any side; only a batch at a time is read from disk.
        rows: int [K], which of them.
        device: where `net` is.
        batch: crops at a time.
        workers: share the batches; each gets all latents.

    Returns:
        float32 [K, Z].
    """
    net.eval()
    config = net.config
    found = np.zeros((len(rows), config.latent), np.float32)
    starts = range(workers.rank * batch, len(rows), workers.count * batch)
    for start in tqdm(starts, desc="encode pairs", mininterval=1.0, disable=not workers.main):
        chosen = rows[start : start + batch]
        crops = np.stack([resize(images[row], config.image_size) for row in chosen])
        pixels = to_network(torch.from_numpy(crops).to(device), config.channels)
        found[start : start + len(crops)] = net.encoder(pixels)[0].float().cpu().numpy()
    return workers.sum(found)


def encode_pairs(
    net: ClassicNet | ExportedClassic,
    sets: Sequence[PairSet],
    device: torch.device,
    workers: Workers = ALONE,
    *,
    share: float = 0.0,
    share_people: bool = False,
) -> LatentPairs:
    """Encode every image of the sets once and join the pairs.

    A person who is held out in one set is held out in all of them.

    Args:
        net: the networks.
        sets: pairs over images.
        device: where `net` is.
        workers: share the images; each gets all latents.
        share: repeat the fitted pairs of a set until they are this part of the largest set's.
        share_people: do not carry over who is held out from one set to another.

    Raises:
        ValueError: there is no set, or nobody is left to fit.
    """
    if not sets:
        raise ValueError("stage 3 needs at least one set of pairs")
    used = [np.unique(np.concatenate([s.source, s.target])) for s in sets]
    latents = [
        encode_images(net, s.images, rows, device, workers=workers)
        for s, rows in zip(sets, used, strict=True)
    ]
    source = [z[np.searchsorted(r, s.source)] for s, r, z in zip(sets, used, latents, strict=True)]
    target = [z[np.searchsorted(r, s.target)] for s, r, z in zip(sets, used, latents, strict=True)]
    people = tuple(p for s in sets for p in s.people)
    held_out = np.concatenate([s.held_out for s in sets])
    if not share_people:
        marked = {p for p, out in zip(people, held_out, strict=True) if out}
        held_out = np.array([p in marked for p in people], bool)
    if held_out.all():
        raise ValueError("all people of the pairs are held out for validation; nobody is left")
    rows = repeated([len(s) for s in sets], held_out, share)
    return LatentPairs(
        np.concatenate(source)[rows],
        np.concatenate(target)[rows],
        tuple(people[row] for row in rows),
        held_out[rows],
    )


def repeated(sizes: Sequence[int], held_out: NDArray[np.bool_], share: float) -> NDArray[np.int64]:
    """Rows of joined sets, those that are fitted in small sets several times.

    Args:
        sizes: pairs of each set.
        held_out: bool [sum(sizes)]; such rows come once.
        share: a set comes so often that it has at least this part of the largest one's fitted rows.

    Returns:
        int [M], set by set; M is sum(sizes) for share 0.
    """
    rows = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    fitted = [r[~held_out[r]] for r in rows]
    wanted = share * max(len(r) for r in fitted)
    parts = []
    for all_rows, fit in zip(rows, fitted, strict=True):
        times = max(1, int(np.ceil(wanted / len(fit)))) if len(fit) else 1
        parts += [all_rows, *[fit] * (times - 1)]
    return np.concatenate(parts)
