"""The CUDA provider of the installed wheel, asked without a GPU which nodes it takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from model_training.graphs.cuda_kernels import KernelsUnknownError, Node, partition, read_log
from model_training.runs.manifest import read_manifest
from tests.model_training.command_line import invoke

ROOT = Path(__file__).parents[3]
CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
value, node = helper.make_tensor_value_info, helper.make_node


def write(path: Path, graph: onnx.GraphProto, opset: int = 20) -> Path:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def determinant(tmp_path: Path) -> Path:
    """y = 2 det(x), of which CUDA has the doubling only."""
    nodes = [node("Det", ["x"], ["d"], "determinant"), node("Add", ["d", "d"], ["y"], "twice")]
    inputs = [value("x", TensorProto.FLOAT, ["batch", 64, 64])]
    outputs = [value("y", TensorProto.FLOAT, ["batch"])]
    return write(tmp_path / "det.onnx", helper.make_graph(nodes, "det", inputs, outputs))


def warp(path: Path, kind: int) -> Path:
    """A GridSample of that data type."""
    inputs = [value("x", kind, [1, 3, 32, 32]), value("grid", kind, [1, 32, 32, 2])]
    outputs = [value("y", kind, [1, 3, 32, 32])]
    nodes = [node("GridSample", ["x", "grid"], ["y"], "warp")]
    return write(path, helper.make_graph(nodes, "warp", inputs, outputs))


def recurrent(path: Path) -> Path:
    """An LSTM with an activation that cuDNN lacks: CUDA has a kernel, and declines."""
    made = numpy_helper.from_array
    weights = [
        made(np.ones((1, 16, 4), np.float32), "w"),
        made(np.ones((1, 16, 4), np.float32), "r"),
    ]
    lstm = node(
        "LSTM", ["x", "w", "r"], ["y"], "memory",
        hidden_size=4, activations=["Sigmoid", "Relu", "Tanh"],
    )  # fmt: skip
    inputs = [value("x", TensorProto.FLOAT, [8, 1, 4])]
    outputs = [value("y", TensorProto.FLOAT, [8, 1, 1, 4])]
    graph = helper.make_graph([lstm], "lstm", inputs, outputs, initializer=weights)
    return write(path, graph)


def test_an_operator_without_kernel_is_listed_and_fails_the_check(determinant: Path) -> None:
    found = partition(determinant)
    assert found.without_kernel == (Node("Det", "determinant"),)
    assert found.nodes[CPU] == 1
    done = invoke(["export", "check", "--provider", "cuda", "--graph", str(determinant)])
    assert done.exit_code == 1, done.output
    assert "no cuda kernel: Det (determinant)" in done.output
    assert "Add" not in done.output


def test_data_types_count(tmp_path: Path) -> None:
    single = partition(warp(tmp_path / "single.onnx", TensorProto.FLOAT))
    assert (single.without_kernel, single.nodes) == ((), {CUDA: 1})
    double = partition(warp(tmp_path / "double.onnx", TensorProto.DOUBLE))
    assert double.without_kernel == (Node("GridSample", "warp"),)


def test_a_kernel_that_the_provider_declines_counts_as_missing(tmp_path: Path) -> None:
    assert partition(recurrent(tmp_path / "lstm.onnx")).without_kernel == (Node("LSTM", "memory"),)


def test_cuda_has_every_kernel_of_the_shipped_models() -> None:
    models = ROOT / "onnx_models"
    done = invoke(["export", "check", "--models-dir", str(models)])
    assert done.exit_code == 0, done.output
    for name in read_manifest(models)["models"]:
        assert f"{name}/fused.onnx" in done.output
    assert "no cuda kernel" not in done.output


def test_without_a_cuda_provider_it_is_not_known(determinant: Path, tmp_path: Path) -> None:
    with pytest.raises(KernelsUnknownError, match="onnxruntime-gpu"):
        partition(determinant, capi=tmp_path)


@pytest.mark.parametrize(
    "log",
    [
        "",
        "[I:onnxruntime:, x.cc:1 VerifyEachNodeIsAssignedToAnEp]  All nodes placed on "
        f"[{CPU}]. Number of nodes: 2",
    ],
)
def test_a_log_in_which_cuda_had_no_say_answers_nothing(log: str) -> None:
    with pytest.raises(KernelsUnknownError, match="did not say"):
        read_log(log)


def test_a_file_that_is_no_graph_is_not_known_either(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a graph")
    done = invoke(["export", "check", "--graph", str(broken)])
    assert done.exit_code == 2
    assert "broken.onnx" in done.output
