"""Training `classic` on from its exported files, with as many latents or more.

Further latents begin as noise that the decoder ignores, so the grown network computes what the
files compute; see `model_training.runs.exported` for the batch norms.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from model_training.classic.networks import ClassicNet
from model_training.runs.exported import (
    WarmStartError,
    initializers,
    load_convolutions,
    put,
    settle_norms,
)

NEW_LOGVAR = -2.0
"""Of a further latent: quieter than the prior, so that what it carries can be heard."""


@torch.no_grad()
def load_exported(net: ClassicNet, folder: Path, batches: Sequence[Tensor]) -> None:
    """Fill encoder, neutralizer, decoder and enhancer; the discriminator stays as it was made.

    Args:
        net: with at least as many latents, otherwise of the same sizes.
        folder: `encoder.onnx` and its siblings.
        batches: images as in training, [B, C, S, S] in [-1, 1], to settle the batch norms with.

    Raises:
        WarmStartError: a file is missing or holds another network.
    """
    try:
        parts = {
            name: initializers(folder / f"{name}.onnx")
            for name in ("encoder", "neutralizer", "decoder", "enhancer")
        }
    except OSError as error:
        raise WarmStartError(f"{folder} is no exported classic: {error}") from error
    _load_encoder(net, parts["encoder"])
    _load_decoder(net, parts["decoder"])
    load_convolutions(net.enhancer, parts["enhancer"])
    _load_slopes(net.enhancer, folder / "enhancer.onnx")
    dense = net.neutralizer.dense
    dense.weight.copy_(torch.eye(net.config.latent))
    dense.bias.zero_()
    put(dense.weight, parts["neutralizer"]["dense.weight"])
    put(dense.bias, parts["neutralizer"]["dense.bias"])
    settle_norms(net.encoder, batches)
    latents = [net.encoder.eval()(batch)[0] for batch in batches]
    settle_norms(net.decoder, latents)
    settle_norms(net.enhancer, [net.decoder.eval()(latent) for latent in latents])


def _load_encoder(net: ClassicNet, weights: dict[str, Tensor]) -> None:
    load_convolutions(net.encoder, weights, leave=("dense",))
    latent, dense = net.config.latent, net.encoder.dense
    halves = zip(
        dense.weight.chunk(2), dense.bias.chunk(2),
        weights["dense.weight"].chunk(2), weights["dense.bias"].chunk(2), strict=True,
    )  # fmt: skip
    for name, (weight, bias, old_weight, old_bias) in zip(("mu", "logvar"), halves, strict=True):
        if name == "logvar" and len(old_bias) < latent:
            weight.zero_()
            bias.fill_(NEW_LOGVAR)
        put(weight, old_weight)
        put(bias, old_bias)


def _load_decoder(net: ClassicNet, weights: dict[str, Tensor]) -> None:
    load_convolutions(net.decoder, weights, leave=("dense",))
    dense, norm = net.decoder.dense, net.decoder.convolutions[0]
    dense.weight.zero_()
    put(dense.weight, weights["dense.weight"])
    put(dense.bias, weights["dense.bias"])
    # No convolution lies before this one, so it was exported whole.
    for name, value in (*norm.named_parameters(), *norm.named_buffers()):
        if name != "num_batches_tracked":
            put(value, weights[f"convolutions.0.{name}"])


def _load_slopes(enhancer: nn.Module, file: Path) -> None:
    """PReLU's slopes have no names in the file; they come in the order of use."""
    graph = onnx.load(str(file)).graph
    constants = {c.name: numpy_helper.to_array(c) for c in graph.initializer}
    slopes = [constants[node.input[1]] for node in graph.node if node.op_type == "PRelu"]
    layers = [m for m in enhancer.modules() if isinstance(m, nn.PReLU)]
    if len(slopes) != len(layers):
        raise WarmStartError(f"{file} has {len(slopes)} PReLU layers, not {len(layers)}")
    for layer, slope in zip(layers, slopes, strict=True):
        put(layer.weight, torch.tensor(slope).float().flatten())
