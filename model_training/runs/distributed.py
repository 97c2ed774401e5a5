"""Data-parallel training: several processes, each with its share of every batch.

Started by `torchrun`, a stage's command runs once a worker. Every worker draws the same joint batch
(the same seeds, by step number), computes its own rows of it, and averages its gradients with the
others'. Noise is drawn for the joint batch too, and batch norm takes joint statistics, so that the
run has the loss curve of one process with the joint batch, and its checkpoint: a run may go on with
another number of workers. Without torchrun there is one worker and nothing of this happens.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from model_training.runs.checkpoint import CheckpointError
from model_training.runs.joint_layers import join_layers

PATIENCE = timedelta(hours=6)
"""How long a worker waits for another: the first one may be cropping a whole data set."""

Rows = TypeVar("Rows", Tensor, NDArray[np.int64], NDArray[np.bool_])


@dataclass(frozen=True)
class Workers:
    """The processes that train together, as one of them sees them.

    Attributes:
        rank: which of them this one is, from 0.
        count: how many they are.
    """

    rank: int = 0
    count: int = 1

    @property
    def main(self) -> bool:
        """Is this the one that writes files?"""
        return self.rank == 0

    def rows(self, total: int) -> slice:
        """This worker's rows of a joint batch: every `count`-th, so that kinds in it mix alike.

        Raises:
            ValueError: `total` does not divide by the number of workers.
        """
        if total % self.count:
            raise ValueError(f"a batch of {total} cannot be shared evenly by {self.count} workers")
        return slice(self.rank, None, self.count)

    def share(self, joint: Rows) -> Rows:
        """This worker's rows of `joint`, [B, ...] to [B / count, ...]."""
        return joint[self.rows(len(joint))]

    def normal_like(self, share: Tensor) -> Tensor:
        """This worker's rows of N(0, 1) noise that is drawn for the joint batch.

        Takes the same numbers from torch's global generator whatever the number of workers.
        """
        shape = (len(share) * self.count, *share.shape[1:])
        return self.share(torch.randn(shape, dtype=share.dtype, device=share.device))

    def parallel(self, module: nn.Module) -> nn.Module:
        """`module` in DistributedDataParallel: call the answer, keep and save the module itself.

        Its batch norms and dropouts are replaced, in place, by ones that treat the joint batch.
        """
        if self.count == 1:
            return module
        join_layers(module)
        return DistributedDataParallel(module, forward_sync_buffers=False)

    def mean(self, values: Mapping[str, float]) -> dict[str, float]:
        """The mean over the workers of each value; all must call it, with the same names."""
        if self.count == 1:
            return dict(values)
        numbers = torch.tensor(list(values.values()), dtype=torch.float64)
        dist.all_reduce(numbers)
        return dict(zip(values, (numbers / self.count).tolist(), strict=True))

    def agree_on_start(self, step: int) -> None:
        """Make sure that all go on from the same step.

        Raises:
            CheckpointError: they see different checkpoints.
        """
        if self.mean({"step": step})["step"] != step:
            raise CheckpointError("the workers need one output folder; they see different ones")

    def sum(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        """The sum over the workers of arrays of one shape."""
        if self.count > 1:
            dist.all_reduce(torch.from_numpy(array))
        return array

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """Let the main worker do something (fill a cache) before the others do it too."""
        if not self.main:
            _wait_for_all()
        yield
        if self.main and self.count > 1:
            _wait_for_all()


ALONE = Workers()
"""Training in one process."""


@contextmanager
def torchrun_workers() -> Iterator[Workers]:
    """Join the workers that `torchrun` started, if it did; else `ALONE`.

    On leaving, the workers wait for each other, so that what the main one wrote is there.
    CPU tensors travel by gloo, CUDA tensors by NCCL where torch has it: which of them a run needs
    is decided after this, when its device is.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield ALONE
        return
    nccl = torch.cuda.is_available() and dist.is_nccl_available()
    backend = "cpu:gloo,cuda:nccl" if nccl else "gloo"
    store, rank, count = next(rendezvous("env://", timeout=PATIENCE))
    # The store outlives a group: a second one in the same processes would read the addresses of
    # the first, and hang or fail, so that each time has names of its own.
    turn = store.add(f"stoicnet/joined/{rank}", 1)
    own = dist.PrefixStore(f"stoicnet/{turn}", store)  # type: ignore[attr-defined]
    dist.init_process_group(backend, store=own, rank=rank, world_size=count, timeout=PATIENCE)
    try:
        yield Workers(dist.get_rank(), dist.get_world_size())
        _wait_for_all()
    finally:
        dist.destroy_process_group()


def _wait_for_all() -> None:
    # Not `dist.barrier`, which takes a GPU where there is one, whatever the workers compute on.
    dist.all_reduce(torch.zeros(1))
