"""Training on from exported weights.

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
from model_training.meter.network import MeterNet
from model_training.photo.eyes.network import EyeOpener
from model_training.photo.network import PhotoNet


class WarmStartError(InputError):
    """The file does not hold this network's weights."""


def initializers(file: Path) -> dict[str, Tensor]:
    """The constants of an ONNX file by name; a leading `network.` is dropped."""
    graph = onnx.load(str(file)).graph
    return {
        constant.name.removeprefix("network."): torch.from_numpy(
            np.array(numpy_helper.to_array(constant))
        )
        for constant in graph.initializer
    }


def _norm_after(name: str) -> str:
    """`stem.0` -> `stem.1`: these networks put a batch norm right behind its convolution."""
    head, _, index = name.rpartition(".")
    return f"{head}.{int(index) + 1}"


def _put(target: Tensor, source: Tensor) -> None:
    """Copy into the leading channels; a wider network keeps its own further ones."""
    if any(s > t for s, t in zip(source.shape, target.shape, strict=True)):
        raise WarmStartError(f"{tuple(source.shape)} does not fit into {tuple(target.shape)}")
    target[tuple(slice(0, side) for side in source.shape)] = source


@torch.no_grad()
def _load_convolutions(network: nn.Module, weights: dict[str, Tensor]) -> None:
    modules = dict(network.named_modules())
    for name, module in modules.items():
        if not isinstance(module, nn.Conv2d | nn.Linear):
            continue
        if f"{name}.weight" not in weights:
            raise WarmStartError(f"the file has no {name}.weight: another network's")
        _put(module.weight, weights[f"{name}.weight"])
        if module.bias is not None:
            _put(module.bias, weights[f"{name}.bias"])
            continue
        norm = modules[_norm_after(name)]
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)
        # A bias that is zero throughout is not in the file.
        bias = weights.get(f"{name}.weight_bias", torch.zeros_like(norm.bias))
        _put(norm.bias, bias)


def load_meter(file: Path) -> MeterNet:
    """The meter of an exported `meter.onnx`, in evaluation mode."""
    weights, network = initializers(file), MeterNet()
    _load_convolutions(network, weights)
    for name in ("mean", "scale"):
        getattr(network, name).copy_(weights[name])
    return network.eval()


def load_eyes(file: Path) -> EyeOpener:
    """The eye opener of an exported `photo/eyes.onnx`, in evaluation mode."""
    network = EyeOpener()
    _load_convolutions(network, initializers(file))
    return network.eval()


@torch.no_grad()
def load_photo_network(network: PhotoNet, file: Path) -> None:
    """Load an exported `photo/network.onnx` of the same sizes.

    Up to 0.5.0 there was one flow: both layers begin with it, and the fine maps from nothing.

    Raises:
        WarmStartError: the file holds another network.
    """
    weights = initializers(file)
    for part in ("weight", "bias"):
        if f"flow_head.{part}" in weights:
            both = [weights[f"flow_head.{part}"]] * 2
            weights[f"coarse_motion.{part}"] = torch.cat(both)
            weights[f"fine_maps.{part}"] = getattr(network.fine_maps, part).detach().clone()
    if "coarse_motion.weight" not in weights:
        raise WarmStartError(f"{file} is no photo network")
    _load_convolutions(network, weights)


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
