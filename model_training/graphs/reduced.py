"""A model's fused graph in fewer bits: static int8 for the CPU, half precision for CUDA.

Only convolutions and what lies between those of one network are reduced; what opens eyes, a fifth
of their size, stays as it is. Positions of the warp, blending and rounding stay float32: in half
precision a 1024 px grid cannot name its own pixels.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from model_training.runs.compact import cast
from model_training.runs.manifest import update_manifest

Image = NDArray[np.uint8]

_PARTS = ("light", "eyes", "lips")
"""Networks beside the one that moves, as the names of their weights begin."""
_BODY = {"Conv", "LeakyRelu", "Relu", "PRelu", "Concat", "Add", "Resize", "DepthToSpace"}


@dataclass(frozen=True)
class Difference:
    """A reduced graph against the one it was made from, on the same crops.

    Attributes:
        mean, largest: of the absolute difference over all pixels, in grey levels.
        p999: the difference that one pixel in a thousand exceeds.
        before_ms, after_ms: median processor time a crop, one thread, CPU provider.
    """

    mean: float
    largest: int
    p999: float
    before_ms: float
    after_ms: float


class _Crops(CalibrationDataReader):  # type: ignore[misc]
    """Crops one by one, as the graph takes them."""

    def __init__(self, crops: Sequence[Image]) -> None:
        self._crops = iter(crops)

    def get_next(self) -> dict[str, NDArray[np.generic]] | None:
        """The next crop; None after the last."""
        crop = next(self._crops, None)
        return None if crop is None else {"image": crop[None], "strength": np.ones(1, np.float32)}


def to_int8(graph: bytes, crops: Sequence[Image]) -> bytes:
    """Static int8 (QDQ, weights by channel), calibrated on crops.

    The first convolution and those whose results leave the network (flow, mask, paint, shade)
    stay float32: a step of 1/127 of a map's range is seen, and they cost little. So does the last
    quarter of the others: each of `photo` 0.3.0's last six alone changes the picture by more than
    a grey level on average, the first sixteen together by 0.35 (one portrait).

    Args:
        graph: a fused graph.
        crops: uint8 [S, S, 3], aligned as in serving; a dozen faces do.

    Raises:
        ValueError: no crops.
    """
    if not crops:
        raise ValueError("static quantization needs crops to calibrate on")
    with tempfile.TemporaryDirectory() as folder:
        source, prepared, target = (Path(folder) / f"{name}.onnx" for name in ("a", "b", "c"))
        source.write_bytes(graph)
        # Its symbolic shapes fail on the free sides; optimising alone folds the batch norms.
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        model = onnx.load(str(prepared))
        quantize_static(
            str(prepared),
            str(target),
            _Crops(crops),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            # AVX2 without VNNI adds two products in 16 bits and would saturate.
            reduce_range=True,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_quantize=_inner_convolutions(model.graph),
        )
        return target.read_bytes()


def to_half(graph: bytes) -> bytes:
    """Half precision inside networks, float32 around them; inputs and outputs stay uint8."""
    model = onnx.load_from_string(graph)
    body = _between_convolutions(model.graph)
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    halved: set[str] = set()

    def half(value: str) -> str:
        """The name of a value in half precision, made where it is first asked for."""
        name = f"{value}_half"
        if value not in halved and value in constants:
            array = onnx.numpy_helper.to_array(constants[value]).astype(np.float16)
            model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
        elif value not in halved:
            nodes.append(cast(value, name, onnx.TensorProto.FLOAT16))
        halved.add(value)
        return name

    outside = {value for node in model.graph.node if node.name not in body for value in node.input}
    for node in list(model.graph.node):
        if node.name not in body:
            nodes.append(node)
            continue
        # A Resize's further inputs are its scales, which stay what they are.
        count = 1 if node.op_type == "Resize" else len(node.input)
        for place, value in enumerate(list(node.input)[:count]):
            node.input[place] = half(value) if value else value
        results = list(node.output)
        halved.update(results)
        node.output[:] = [f"{value}_half" for value in results]
        nodes.append(node)
        wanted = [value for value in results if value in outside]
        nodes.extend(cast(f"{value}_half", value, onnx.TensorProto.FLOAT) for value in wanted)
    used = {value for node in nodes for value in node.input}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.node[:], model.graph.initializer[:], model.graph.value_info[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(kept)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def compare(before: bytes, after: bytes, crops: Sequence[Image], repeats: int = 3) -> Difference:
    """Run both graphs on the same crops, in turn."""
    sessions = [_session(before), _session(after)]
    spent: tuple[list[float], list[float]] = ([], [])
    differences = []
    for crop in crops:
        feed = {"image": crop[None], "strength": np.ones(1, np.float32)}
        answers = [session.run(["neutral"], feed)[0] for session in sessions]
        differences.append(np.abs(answers[0].astype(np.int16) - answers[1]).ravel())
        for _ in range(repeats):
            for session, times in zip(sessions, spent, strict=True):
                start = time.process_time()
                session.run(["neutral"], feed)
                times.append((time.process_time() - start) * 1000)
    difference = np.concatenate(differences)
    return Difference(
        mean=float(difference.mean()),
        largest=int(difference.max()),
        p999=float(np.percentile(difference, 99.9)),
        before_ms=float(np.median(spent[0])),
        after_ms=float(np.median(spent[1])),
    )


def write_models(models_dir: Path, out: Path, model: str, graph: bytes) -> Path:
    """A copy of a models folder whose `model` is `graph`, ready for STOICNET_MODELS_DIR.

    Quality figures of the float32 graph are left out: they were not measured on this one.

    Raises:
        FileExistsError: `out` is there already.
    """
    shutil.copytree(models_dir, out, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    file = out / model / "fused.onnx"
    file.write_bytes(graph)
    update_manifest(out, model, ["fused.onnx"], clear_quality=True)
    return file


def _session(graph: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _reached(start: Iterable[str], steps: dict[str, list[str]]) -> set[str]:
    """Every node that `steps` lead to from those of `start`, which count only if returned to."""
    found: set[str] = set()
    waiting = [after for name in start for after in steps[name]]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += steps[name]
    return found


def _neighbours(graph: onnx.GraphProto) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The nodes after and before each node, by name."""
    maker = {output: node.name for node in graph.node for output in node.output}
    after: dict[str, list[str]] = {node.name: [] for node in graph.node}
    before: dict[str, list[str]] = {node.name: [] for node in graph.node}
    for node in graph.node:
        for value in node.input:
            if value in maker:
                after[maker[value]].append(node.name)
                before[node.name].append(maker[value])
    return after, before


def _convolutions(graph: onnx.GraphProto) -> list[list[str]]:
    """Each network's convolutions, by node: not the eye opener's, nor those that average."""
    learnt = {t.name for t in graph.initializer if len(t.dims) == 4 and t.dims[1] > 1}
    networks: dict[str, list[str]] = {}
    for node in graph.node:
        if node.op_type == "Conv" and node.input[1] in learnt:
            part = node.input[1].split(".")[0]
            networks.setdefault(part if part in _PARTS else "", []).append(node.name)
    return [nodes for part, nodes in networks.items() if part != "eyes"]


def _between_convolutions(graph: onnx.GraphProto) -> set[str]:
    """The convolutions, and what turns one's result into another's input without the warp."""
    return set().union(*(_between(graph, network) for network in _convolutions(graph)))


def _between(graph: onnx.GraphProto, convolutions: list[str]) -> set[str]:
    """The same of one network."""
    after, before = _neighbours(graph)
    follows = _reached(convolutions, after)
    # Where a network's answer is bent into its range, the warp's positions begin.
    bends = [node.name for node in graph.node if node.op_type == "Tanh" and node.name in follows]
    inside = follows & _reached(convolutions, before) - _reached(bends, after)
    kept = {node.name for node in graph.node if node.op_type in _BODY and node.name in inside}
    return kept | set(convolutions)


def _inner_convolutions(graph: onnx.GraphProto) -> list[str]:
    """Of each network those with another one before and one after, without their last quarter."""
    after, before = _neighbours(graph)
    chosen = []
    for convolutions in _convolutions(graph):
        inner = _reached(convolutions, after) & _reached(convolutions, before)
        ordered = [name for name in convolutions if name in inner]
        chosen += ordered[: len(ordered) * 3 // 4 or 1]
    return chosen
