"""Weights of an exported network, put back into a module that can be trained on.

The exporter folds every batch norm into the convolution before it. What is left, a weight and a
bias, is put back here: first as a batch norm that does nothing but add the bias, then, from a few
batches, as one with the statistics that its inputs have. Both compute what the ONNX file computes;
only with the second can training go on from there, because in training a batch norm divides by
whatever deviation it finds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from model_training.errors import InputError


class WarmStartError(InputError):
    """The file does not hold this network's weights."""


def initializers(file: Path) -> dict[str, Tensor]:
    """The constants of an ONNX file by name, in float32 where they are half precision.

    A leading `network.` and a trailing `_half` are dropped.
    """
    found = {}
    for constant in onnx.load(str(file)).graph.initializer:
        name = constant.name.removeprefix("network.").removesuffix("_half")
        values = np.array(numpy_helper.to_array(constant))
        if values.dtype == np.float16:
            values = values.astype(np.float32)
        found[name] = torch.from_numpy(values)
    return found


@torch.no_grad()
def put(target: Tensor, source: Tensor) -> None:
    """Copy into the leading channels; a wider network keeps its own further ones.

    Raises:
        WarmStartError: the source is larger, or has other axes.
    """
    same = len(source.shape) == len(target.shape)
    if not same or any(s > t for s, t in zip(source.shape, target.shape, strict=True)):
        raise WarmStartError(f"{tuple(source.shape)} does not fit into {tuple(target.shape)}")
    target[tuple(slice(0, side) for side in source.shape)] = source


def _norm_after(name: str) -> str:
    """`stem.0` -> `stem.1`: these networks put a batch norm right behind its convolution."""
    head, _, index = name.rpartition(".")
    return f"{head}.{int(index) + 1}"


@torch.no_grad()
def load_convolutions(
    network: nn.Module, weights: dict[str, Tensor], leave: tuple[str, ...] = ()
) -> None:
    """Fill every convolution and dense layer, and the batch norms that were folded into them.

    Args:
        network: as built, in any state.
        weights: `initializers` of its file.
        leave: layers that the caller fills.

    Raises:
        WarmStartError: a layer is not in the file, or is larger there.
    """
    modules = dict(network.named_modules())
    for name, module in modules.items():
        if name in leave or not isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            continue
        if f"{name}.weight" not in weights:
            raise WarmStartError(f"the file has no {name}.weight: another network's")
        put(module.weight, weights[f"{name}.weight"])
        if module.bias is not None:
            put(module.bias, weights[f"{name}.bias"])
            continue
        norm = modules.get(_norm_after(name))
        if not isinstance(norm, nn.BatchNorm2d):
            continue
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)
        # A bias that is zero throughout is not in the file.
        put(norm.bias, weights.get(f"{name}.weight_bias", torch.zeros_like(norm.bias)))


@torch.no_grad()
def settle_norms(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Give every batch norm its inputs' statistics without changing what the network computes.

    Args:
        network: with batch norms in any state.
        batches: inputs of the network, as in training.
    """
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    counts = dict.fromkeys(norms, 0.0)
    sums = {norm: torch.zeros_like(norm.bias) for norm in norms}
    squares = {norm: torch.zeros_like(norm.bias) for norm in norms}

    def note(norm: nn.Module, given: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        x = given[0].float()
        counts[norm] += x.numel() / x.shape[1]
        sums[norm] += x.sum((0, 2, 3))
        squares[norm] += (x * x).sum((0, 2, 3))

    hooks = [norm.register_forward_pre_hook(note) for norm in norms]
    was_training = network.training
    network.eval()
    for batch in batches:
        network(batch)
    network.train(was_training)
    for hook in hooks:
        hook.remove()
    for norm, count in counts.items():
        assert norm.running_mean is not None
        assert norm.running_var is not None
        mean = sums[norm] / count
        variance = (squares[norm] / count - mean * mean).clamp_min(0)
        slope = norm.weight / (norm.running_var + norm.eps).sqrt()
        norm.bias.add_(slope * (mean - norm.running_mean))
        norm.weight.copy_(slope * (variance + norm.eps).sqrt())
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        if not math.isfinite(float(norm.weight.sum())):
            raise WarmStartError("a batch norm's statistics are not finite")
