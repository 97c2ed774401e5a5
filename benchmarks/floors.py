"""What a machine can do at its best: bytes copied and floating-point operations, a second."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper

_VALUE = helper.make_tensor_value_info


def milliseconds(work: Callable[[], object], repeats: int = 9) -> float:
    """Median time of `work`, in milliseconds of processor time of this process.

    Processor time, because it hardly changes when other programs run beside; everything measured
    here works in one thread, so on an idle machine it is the time on the clock.
    """
    work()
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        spent.append((time.process_time() - start) * 1000)
    return float(np.median(spent))


def copy_bandwidth(megabytes: int = 64) -> float:
    """Bytes a second that one core reads and writes together, copying what no cache holds."""
    source = np.ones(megabytes * 1024 * 1024, np.uint8)
    target = np.zeros_like(source)
    best = min(_once(lambda: np.copyto(target, source)) for _ in range(9))
    return 2 * source.nbytes / best


def flop_rate() -> dict[str, float]:
    """Best floating-point operations a second of one core: 3 x 3 convolution and matrix product."""
    return {"convolution": _convolution(), "matrix_product": _matrix_product()}


def _once(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _convolution(channels: int = 64, side: int = 96) -> float:
    weights = np.ones((channels, channels, 3, 3), np.float32)
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])]
    run = _runner(nodes, weights, [1, channels, side, side])
    return 2 * channels * channels * 9 * side * side / run()


def _matrix_product(side: int = 768) -> float:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    run = _runner(nodes, np.ones((side, side), np.float32), [side, side])
    return 2 * side**3 / run()


def _runner(
    nodes: list[NodeProto], weights: NDArray[np.float32], shape: list[int]
) -> Callable[[], float]:
    """Seconds of the best of several runs of a graph with one input and one constant."""
    tensor = helper.make_tensor("w", TensorProto.FLOAT, weights.shape, weights.ravel())
    graph = helper.make_graph(
        nodes,
        "floor",
        [_VALUE("x", TensorProto.FLOAT, shape)],
        [_VALUE("y", TensorProto.FLOAT, None)],
        [tensor],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    session = ort.InferenceSession(
        model.SerializeToString(), one_thread(), providers=["CPUExecutionProvider"]
    )
    feed = {"x": np.ones(shape, np.float32)}
    return lambda: min(_once(lambda: session.run(None, feed)) for _ in range(15))


def one_thread() -> ort.SessionOptions:
    """Options of a session that runs on the calling thread alone."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options


def convolution_flops(model: bytes, feed: Mapping[str, NDArray[Any]]) -> float:
    """Floating-point operations of a graph's convolutions and matrix products on one input.

    Counted from the shapes that a profiled run reports, as multiplications and additions.
    """
    options = one_thread()
    options.enable_profiling = True
    # Optimised graphs pad channels, which is the kernels' business and no floor.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        session.run(None, feed)
        events = json.loads(Path(session.end_profiling()).read_text())
    return sum(_flops(event["args"]) for event in events if event.get("cat") == "Node")


def _flops(arguments: dict[str, object]) -> float:
    if arguments.get("op_name") not in ("Conv", "FusedConv", "MatMul", "Gemm"):
        return 0.0
    inputs, outputs = (
        [next(iter(shape.values())) for shape in arguments[key]]  # type: ignore[attr-defined]
        for key in ("input_type_shape", "output_type_shape")
    )
    weights = inputs[1]
    each = np.prod(weights[1:]) if len(weights) == 4 else weights[0]
    return 2.0 * float(np.prod(outputs[0])) * float(each)
