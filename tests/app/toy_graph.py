"""A tiny ONNX graph that keeps the fused-graph contract, for tests of everything around it.

It does something that a test can predict: it adds `strength` x GAIN to the lower half of the crop
(below 0.5 S) and leaves the upper half alone. With regions, each of them stands for an equal part
of that strength.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

GAIN = 40.0


def toy_graph(gain: float = GAIN, regions: tuple[str, ...] = ()) -> bytes:
    """The graph's bytes: image uint8 [B,S,S,3], strength float32 [B] -> neutral uint8.

    Args:
        gain: what full strength adds.
        regions: names; with them the graph has the input `regions` float32 [B, R], too.
    """
    one = numpy_helper.from_array
    constants = [
        one(np.array([-1, 1, 1, 1], np.int64), "per_image"),
        one(np.array(0, np.int64), "zero"),
        one(np.array(1, np.int64), "one"),
        one(np.array([2], np.int64), "two"),
        one(np.array([1, -1, 1, 1], np.int64), "per_row"),
        one(np.array(gain, np.float32), "gain"),
        one(np.array(0, np.float32), "low"),
        one(np.array(255, np.float32), "high"),
    ]
    node = helper.make_node
    nodes = [
        node("Shape", ["image"], ["side"], start=1, end=2),
        node("Squeeze", ["side"], ["side_scalar"]),
        node("Range", ["zero", "side_scalar", "one"], ["rows"]),
        node("Div", ["side", "two"], ["half"]),
        node("GreaterOrEqual", ["rows", "half"], ["is_lower"]),
        node("Cast", ["is_lower"], ["lower"], to=TensorProto.FLOAT),
        node("Reshape", ["lower", "per_row"], ["lower_4d"]),
        node("Reshape", ["strength" if not regions else "of_it", "per_image"], ["strength_4d"]),
        node("Mul", ["lower_4d", "strength_4d"], ["where"]),
        node("Mul", ["where", "gain"], ["added"]),
        node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        node("Add", ["pixels", "added"], ["sum"]),
        node("Clip", ["sum", "low", "high"], ["clipped"]),
        node("Round", ["clipped"], ["rounded"]),
        node("Cast", ["rounded"], ["neutral"], to=TensorProto.UINT8),
    ]
    inputs = [helper.make_tensor_value_info("strength", TensorProto.FLOAT, ["batch"])]
    said = {"name": "toy", "crop_spec": json.dumps({"inter_ocular": 0.27})}
    if regions:
        nodes.insert(0, node("Mul", ["strength", "share"], ["of_it"]))
        nodes.insert(0, node("ReduceMean", ["regions", "per_region"], ["share"], keepdims=0))
        constants.append(one(np.array([1], np.int64), "per_region"))
        # A default: the input may be left out.
        constants.append(one(np.ones((1, len(regions)), np.float32), "regions"))
        amounts = ["amounts", len(regions)]
        inputs.append(helper.make_tensor_value_info("regions", TensorProto.FLOAT, amounts))
        said["regions"] = json.dumps(regions)
    shape = ["batch", "side", "side", 3]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, shape), *inputs],
        [helper.make_tensor_value_info("neutral", TensorProto.UINT8, shape)],
        initializer=constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, said)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def write_models(
    folder: Path,
    name: str = "photo",
    crop_sizes: tuple[int, ...] = (256, 512, 768, 1024),
    gain: float = GAIN,
    regions: tuple[str, ...] = (),
) -> Path:
    """Write the toy graph and its manifest as a models folder; returns the folder."""
    graph = toy_graph(gain, regions)
    (folder / name).mkdir(parents=True)
    (folder / name / "fused.onnx").write_bytes(graph)
    files = {"fused.onnx": {"sha256": hashlib.sha256(graph).hexdigest(), "bytes": len(graph)}}
    entry = {"version": "0.0.1", "crop_sizes": list(crop_sizes), "files": files, "quality": {}}
    manifest = {"schema": 1, "models": {name: entry}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def toy_meter() -> bytes:
    """image uint8 [B,S,S,3] -> score [B] = mean brightness / 16, and two constants."""
    one = numpy_helper.from_array
    node = helper.make_node
    nodes = [
        node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        node("ReduceMean", ["pixels", "all_but_batch"], ["mean"], keepdims=0),
        node("Div", ["mean", "sixteen"], ["score"]),
        node("Mul", ["mean", "nothing"], ["lip_gap"]),
        node("Add", ["lip_gap", "third"], ["eye_opening"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", 160, 160, 3])
    names = ("score", "lip_gap", "eye_opening")
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch"]) for name in names]
    constants = [
        one(np.array([1, 2, 3], np.int64), "all_but_batch"),
        one(np.array(16, np.float32), "sixteen"),
        one(np.array(0, np.float32), "nothing"),
        one(np.array(0.3, np.float32), "third"),
    ]
    graph = helper.make_graph(nodes, "toy_meter", [image], outputs, initializer=constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def add_meter(folder: Path) -> Path:
    """Add the toy meter to a models folder, as the export writes the real one."""
    graph = toy_meter()
    (folder / "meter").mkdir()
    (folder / "meter" / "meter.onnx").write_bytes(graph)
    files = {"meter.onnx": {"sha256": hashlib.sha256(graph).hexdigest(), "bytes": len(graph)}}
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["meter"] = {"version": "0.0.1", "crop_size": 160, "files": files, "quality": {}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
