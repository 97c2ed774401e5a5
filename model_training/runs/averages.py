"""The moving average of a network's weights: what is exported."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

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
