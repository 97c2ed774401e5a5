"""Half the size of a file: large weights stored in 16 bits, computed with in 32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SMALLEST = 65_536
"""Weights with fewer elements stay as they are: there is nothing to gain."""


def cast(value: str, result: str, kind: int) -> onnx.NodeProto:
    """A node that turns `value` into the element type `kind` under the name `result`."""
    return helper.make_node("Cast", [value], [result], name=f"cast_{result}", to=kind)


def store_in_half(file: Path) -> None:
    """Store float32 weights of at least `SMALLEST` elements as float16, behind a Cast.

    Graph optimizers fold the Cast when the file is loaded, so that it computes as fast as before,
    in float32, with weights rounded to 11 significant bits. Written in place.

    Args:
        file: an ONNX model.

    Raises:
        ValueError: a weight is too large for float16.
    """
    model = onnx.load(file)
    graph = model.graph
    casts = []
    for weight in graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < SMALLEST:
            continue
        name = weight.name
        with np.errstate(over="ignore"):  # refused below
            half = numpy_helper.to_array(weight).astype(np.float16)
        if not np.isfinite(half).all():
            raise ValueError(f"{file}: {name} does not fit float16")
        weight.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
        casts.append(cast(weight.name, name, TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    # The exporter also lists types of intermediate values; those of weights it lists as such.
    kept = [value for value in graph.value_info if value.name not in {c.output[0] for c in casts}]
    del graph.value_info[:]
    graph.value_info.extend(kept)
    onnx.checker.check_model(model)
    onnx.save(model, file)
