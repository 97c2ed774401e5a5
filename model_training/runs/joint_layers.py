"""Layers whose result depends on the whole batch, for workers that hold a share of it each.

torch's `SyncBatchNorm` needs a GPU, where it is used; `JointBatchNorm2d` does the same anywhere.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn


class _WorkersMean(torch.autograd.Function):
    """The mean of a tensor over the workers.

    Every worker's loss depends on it, so the gradient of this worker's tensor is that of the sum of
    all losses; DistributedDataParallel's average makes it that of their mean.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        del ctx
        total = x.clone()
        dist.all_reduce(total)
        return total / dist.get_world_size()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        del ctx
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total / dist.get_world_size()


def _mean_of_workers(x: Tensor) -> Tensor:
    mean: Tensor = _WorkersMean.apply(x)  # type: ignore[no-untyped-call]
    return mean


class JointBatchNorm2d(nn.BatchNorm2d):
    """Batch norm whose statistics are those of all workers' batches, which are equally large.

    Maps [B, C, H, W] to the same shape and type; in evaluation it is `nn.BatchNorm2d`.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise with the joint mean and variance."""
        if not self.training:
            return super().forward(x)
        values = x.to(torch.promote_types(x.dtype, torch.float32))
        mean = _mean_of_workers(values.mean((0, 2, 3)))
        centred = values - mean[:, None, None]
        # Two passes, because E[x^2] - E[x]^2 loses the digits of a small variance.
        variance = _mean_of_workers(centred.square().mean((0, 2, 3)))
        self._remember(mean.detach(), variance.detach(), x.numel() // x.shape[1])
        scale = self.weight * (variance + self.eps).rsqrt()
        normal: Tensor = centred * scale[:, None, None] + self.bias[:, None, None]
        return normal.to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Running statistics as torch keeps them, with the unbiased variance."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        joint = count * dist.get_world_size()
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * joint / (joint - 1), self.momentum)


class JointDropout(nn.Dropout):
    """Dropout that draws for the joint batch and uses this worker's rows of it."""

    def forward(self, x: Tensor) -> Tensor:
        """Silence some of [B, ...]; the identity in evaluation."""
        if not self.training or self.p == 0:
            return x
        count = dist.get_world_size()
        joint = x.new_ones((len(x) * count, *x.shape[1:]))
        return x * F.dropout(joint, self.p)[dist.get_rank() :: count]


def join_layers(module: nn.Module) -> None:
    """Replace the batch norms and dropouts inside `module` by joint ones that share its weights."""
    for name, child in module.named_children():
        if type(child) is nn.BatchNorm2d:
            setattr(module, name, _joint_norm(child))
        elif type(child) is nn.Dropout:
            setattr(module, name, JointDropout(child.p))
        else:
            join_layers(child)


def _joint_norm(norm: nn.BatchNorm2d) -> nn.Module:
    if norm.weight.is_cuda:
        synced: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(norm)
        return synced
    joint = JointBatchNorm2d(norm.num_features, norm.eps, norm.momentum)
    for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
        setattr(joint, name, getattr(norm, name))
    return joint.train(norm.training)
