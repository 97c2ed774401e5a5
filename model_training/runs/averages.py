"""The moving average of a network's weights: what is exported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from model_training.runs.checkpoint import load_checkpoint
from model_training.runs.compute import Compute

Net = TypeVar("Net", bound=nn.Module)
Tensors = list[Tensor] | tuple[Tensor, ...]


class WeightAverage(AveragedModel):
    """Exponential moving average of the weights, in evaluation mode; buffers are the network's.

    A young average forgets faster: update n keeps min(0.999, n / (n + 19)). It stays on the
    network's device; the count of updates stays on the CPU, so that an update waits for no GPU.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network, multi_avg_fn=self._blend)
        # At a count of 0 the library would copy the weights instead of averaging.
        self.n_averaged.fill_(1)
        self.eval()

    def _blend(self, average: Tensors, weights: Tensors, _count: Tensor | int) -> None:
        """Into the average, in place; `_count` is on the device, and reading it would wait."""
        count = int(self.n_averaged)
        keep = min(0.999, count / (count + 19))
        for mean, current in zip(average, weights, strict=True):
            mean.lerp_(current, 1 - keep)

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Blend in the weights that `model` has now."""
        super().update_parameters(model)


class AveragedParts(Generic[Net]):
    """A network, its average and AdamW, on their device: what a run trains, and what a checkpoint
    holds.

    Args:
        network: what is trained.
        rate: AdamW's learning rate, at its height.
        compute: device and precision.
        momentum: AdamW's first beta.
    """

    def __init__(self, network: Net, rate: float, compute: Compute, momentum: float = 0.9) -> None:
        self.network = network
        compute.place(network)
        self.average = WeightAverage(network)
        self.optimizer = torch.optim.AdamW(
            network.parameters(), rate, betas=(momentum, 0.99), weight_decay=1e-4
        )

    def by_name(self) -> dict[str, Any]:
        """Each under its name in the checkpoint."""
        return vars(self)

    def learn(self, loss: Tensor) -> None:
        """One step of the network down its loss, gradients clipped to a norm of 1."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()


def load_average(checkpoint: Path, build: Callable[[Mapping[str, Any]], Net]) -> Net:
    """The averaged network of a training checkpoint, in evaluation mode.

    Args:
        checkpoint: of a run whose settings have the sizes of its `network`.
        build: makes the network of those sizes.
    """
    saved = load_checkpoint(checkpoint)
    sizes = saved["settings"]["network"]
    average = WeightAverage(build({**sizes, "widths": tuple(sizes["widths"])}))
    average.load_state_dict(saved["average"])
    return cast(Net, average.module)
