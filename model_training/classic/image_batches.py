"""Batches of crops for the autoencoder stages, in an order that depends on seed and step alone."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_training.classic.networks.pixels import to_network
from model_training.runs.distributed import ALONE, Workers


class ImageBatches:
    """Shuffled batches; the same step always gives the same batch, so nothing need be saved.

    Every epoch is a new permutation of the rows; a last batch that is not full is left out.

    Args:
        crops: uint8 RGB [N, S, S, 3].
        rows: rows of `crops` to draw from.
        batch_size: images a batch; all rows if there are fewer.
        channels: 1 for grey, 3 for colour.
        seed: of order and mirroring.
        flip: mirror half of the images.
        workers: the processes that share each batch.
    """

    def __init__(
        self,
        crops: NDArray[np.uint8],
        rows: NDArray[np.int64],
        batch_size: int,
        channels: int,
        *,
        seed: int,
        flip: bool = False,
        workers: Workers = ALONE,
    ) -> None:
        if len(rows) == 0:
            raise ValueError("there is no image to train on")
        self.crops, self.rows, self.channels = crops, rows, channels
        self.batch_size = min(batch_size, len(rows))
        self.seed, self.flip, self.workers = seed, flip, workers
        self.steps_per_epoch = len(rows) // self.batch_size
        self._epoch, self._order = -1, rows

    def at(self, step: int) -> Tensor:
        """This worker's rows of the batch of step 0, 1, ...: float32 [B, C, S, S] in [-1, 1]."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            shuffled = np.random.default_rng([self.seed, 0, epoch]).permutation(self.rows)
            self._epoch, self._order = epoch, shuffled
        chosen = self._order[place * self.batch_size : (place + 1) * self.batch_size]
        images = self.crops[self.workers.share(np.sort(chosen))]
        if self.flip:
            drawn = np.random.default_rng([self.seed, 1, step]).random(len(chosen)) < 0.5
            mirrored = self.workers.share(drawn)
            images[mirrored] = images[mirrored, :, ::-1]
        return to_network(torch.from_numpy(np.ascontiguousarray(images)), self.channels)
