"""A recogniser's file of the released one's layout, with few channels and drawn weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from model_training.classic.recogniser import BLOCKS

WIDTH = 4
DESCRIPTOR = 6
HALVED = (2, 4, 6, 12)
"""Blocks of MobileNet whose depthwise convolution has stride 2."""


def write_recogniser(folder: Path) -> Path:
    """Write `faceres.json` and `faceres.bin`; float16, as they are released."""
    rng = np.random.default_rng(0)
    constants: dict[str, np.ndarray] = {
        "conv1/convolution/merged_input": rng.normal(0, 0.004, (3, 3, 3, WIDTH)),
        "conv1_bn/batchnorm_1/sub": rng.normal(2, 0.1, WIDTH),
    }
    # Nearly the identity, so that what the picture shows is not lost on the way.
    centre = np.zeros((3, 3, WIDTH, 1))
    centre[1, 1] = 1
    nodes = [_convolution("conv1/convolution/merged_input", "Conv2D", 2)]
    for n in range(1, BLOCKS + 1):
        out = DESCRIPTOR if n == BLOCKS else WIDTH
        constants |= {
            f"conv_dw_{n}/depthwise_kernel": centre + rng.normal(0, 0.05, (3, 3, WIDTH, 1)),
            f"conv_dw_{n}_bn/batchnorm_1/mul": rng.uniform(0.9, 1.1, WIDTH),
            f"conv_dw_{n}_bn/batchnorm_1/sub": rng.normal(0, 0.05, WIDTH),
            f"conv_pw_{n}/convolution/merged_input": np.eye(WIDTH, out)
            + rng.normal(0, 0.1, (1, 1, WIDTH, out)),
            f"conv_pw_{n}_bn/batchnorm_1/sub": rng.normal(0, 0.05, out),
        }
        stride = 2 if n in HALVED else 1
        kernel = f"conv_dw_{n}/depthwise_kernel"
        nodes.append(_convolution(kernel, "DepthwiseConv2dNative", stride))
    half = {"dtype": "float16", "original_dtype": "float32"}
    weights = [
        {"name": name, "shape": list(v.shape), "dtype": "float32", "quantization": half}
        for name, v in constants.items()
    ]
    graph = {
        "modelTopology": {"node": nodes},
        "weightsManifest": [{"paths": ["faceres.bin"], "weights": weights}],
    }
    content = b"".join(v.astype(np.float16).tobytes() for v in constants.values())
    (folder / "faceres.bin").write_bytes(content)
    file = folder / "faceres.json"
    file.write_text(json.dumps(graph))
    return file


def _convolution(kernel: str, op: str, stride: int) -> dict[str, Any]:
    side = str(stride)
    return {
        "name": kernel.split("/")[0],
        "op": op,
        "input": ["x", kernel],
        "attr": {"strides": {"list": {"i": ["1", side, side, "1"]}}},
    }
