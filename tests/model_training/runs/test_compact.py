"""Large weights take half the room and the graph computes what it did."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from model_training.runs.compact import store_in_half

SIDE = 300


def write(file: Path, scale: float = 1.0) -> np.ndarray:
    weight = np.random.default_rng(0).normal(0, scale, (SIDE, SIDE)).astype(np.float32)
    small = np.full((SIDE,), 1 / 3, np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "weight"], ["product"]),
            helper.make_node("Add", ["product", "small"], ["y"]),
        ],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["b", SIDE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["b", SIDE])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(small, "small")],
    )
    opset = [helper.make_opsetid("", 20)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), file)
    return weight


def run(file: Path, x: np.ndarray) -> np.ndarray:
    session = ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


def test_large_weights_take_half_the_room(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    weight = write(file)
    before = file.stat().st_size
    store_in_half(file)
    assert file.stat().st_size < 0.55 * before
    x = np.random.default_rng(1).normal(size=(2, SIDE)).astype(np.float32)
    rounded = weight.astype(np.float16).astype(np.float32)
    assert np.allclose(run(file, x), x @ rounded + np.float32(1 / 3), atol=1e-4)
    stored = {w.name: w.data_type for w in onnx.load(file).graph.initializer}
    assert stored == {"weight_half": TensorProto.FLOAT16, "small": TensorProto.FLOAT}


def test_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    write(file, scale=1e6)
    with pytest.raises(ValueError, match="weight does not fit"):
        store_in_half(file)
