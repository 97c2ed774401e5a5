"""Where nodes run, counted in profiled runs of real sessions.

There is no GPU here: a session on the CPU is judged as if a GPU had been asked for, and a GPU's
profile is the CPU's with most nodes moved.
"""

from __future__ import annotations

import logging
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from app.api.schemas import Info
from app.errors import DeviceUnavailableError, ModelFileError
from app.inference import providers
from app.inference.placement import (
    PlacedNode,
    Placement,
    check_placement,
    enable_profiling,
    measure_placement,
    profile_folder,
)
from app.inference.providers import CPU, CUDA
from app.inference.runtime import RuntimeOptions
from app.inference.session import NeutralizerSession
from app.settings import DEFAULT_MODELS_DIR
from tests.app.conftest import clean_environment, stoicnet
from tests.app.toy_graph import GAIN, toy_graph

PROFILED = RuntimeOptions("cpu", intra_op_threads=1, profile=True)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which temporary files are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def photo() -> Placement:
    """The shipped model's, on the CPU."""
    graph = (DEFAULT_MODELS_DIR / "photo" / "fused.onnx").read_bytes()
    placement = NeutralizerSession(graph, "photo", PROFILED).placement
    assert placement is not None
    return placement


def on_gpu(placement: Placement, left: Callable[[PlacedNode], bool]) -> Placement:
    """The same nodes on CUDA, but for those that are `left` on the CPU, with a copy each way."""
    nodes = []
    for node in placement.nodes:
        if not left(node):
            nodes.append(replace(node, provider=CUDA))
            continue
        there = PlacedNode(f"{node.name}_in", "MemcpyToHost", CUDA, node.elements)
        back = PlacedNode(f"{node.name}_out", "MemcpyFromHost", CUDA, node.elements)
        nodes += [there, node, back]
    return Placement(tuple(nodes))


def graph_of(nodes: list[onnx.NodeProto], output: str, kind: int, shape: list[str | int]) -> bytes:
    value = helper.make_tensor_value_info
    inputs = [
        value("image", TensorProto.UINT8, ["batch", "side", "side", 3]),
        value("strength", TensorProto.FLOAT, ["batch"]),
    ]
    graph = helper.make_graph(nodes, "graph", inputs, [value(output, kind, shape)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def placement_of(graph: bytes, side: int = 96) -> Placement:
    with profile_folder(True) as folder:
        assert folder is not None
        options = ort.SessionOptions()
        enable_profiling(options, folder)
        return measure_placement(ort.InferenceSession(graph, options, providers=[CPU]), side)


def test_every_node_of_a_run_on_the_cpu_is_counted(scratch: Path) -> None:
    session = NeutralizerSession(toy_graph(), "toy", PROFILED, profile_side=128)
    placement = session.placement
    assert placement is not None
    assert placement.by_provider == {CPU: len(placement.nodes)}
    assert placement.copies == 0
    by_operator = {node.operator: node for node in placement.nodes}
    assert {"Shape", "Range", "Clip", "Round"} <= set(by_operator)
    assert by_operator["Round"].elements == 128 * 128 * 3
    touching = {node.operator for node in placement.pixels_on_cpu}
    assert {"Clip", "Round", "Range"} <= touching
    assert not touching & {"Shape", "Div", "Squeeze"}, "these see the side of the crop alone"
    assert list(scratch.iterdir()) == [], "the profile is removed"


def test_a_session_that_was_profiled_runs_as_before(scratch: Path) -> None:
    session = NeutralizerSession(toy_graph(), "toy", PROFILED)
    neutral = session.run(np.full((1, 64, 64, 3), 10, np.uint8), np.ones(1, np.float32))
    assert neutral[0, -1, 0, 0] == 10 + GAIN
    assert list(scratch.iterdir()) == []


def test_on_the_cpu_nothing_is_profiled_unasked() -> None:
    assert NeutralizerSession(toy_graph(), "toy", RuntimeOptions("cpu")).placement is None


def test_cuda_that_does_not_come_up_leaves_no_profile(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    monkeypatch.setattr(providers, "cuda_driver_present", lambda: True)
    session = NeutralizerSession(toy_graph(), "toy", RuntimeOptions("auto"))
    assert (session.provider, session.placement) == (CPU, None)
    neutral = session.run(np.full((1, 64, 64, 3), 10, np.uint8), np.ones(1, np.float32))
    assert neutral[0, -1, 0, 0] == 10 + GAIN
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
def test_pixels_on_the_cpu_end_the_start_and_are_named(
    photo: Placement, device: providers.Device
) -> None:
    warps = [node for node in photo.nodes if node.operator == "GridSample"]
    placement = on_gpu(photo, lambda node: node in warps)
    assert placement.by_provider == {CUDA: len(photo.nodes) + len(warps), CPU: len(warps)}
    assert placement.copies == 2 * len(warps) > 0
    assert placement.pixels_on_cpu == tuple(warps)
    with pytest.raises(DeviceUnavailableError) as refused:
        check_placement(placement, device, "photo")
    assert f"STOICNET_DEVICE={device}" in refused.value.detail
    for node in warps:
        assert f"GridSample ({node.name})" in refused.value.detail


def test_a_cpu_session_is_no_answer_to_who_asked_for_cuda(photo: Placement) -> None:
    with pytest.raises(DeviceUnavailableError, match=r"nodes of the model photo .*, \.\.\."):
        check_placement(photo, "cuda", "photo")


def test_auto_warns_and_goes_on(photo: Placement, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        check_placement(on_gpu(photo, lambda node: node.operator == "Pad"), "auto", "photo")
    assert "Pad (" in caplog.text


def test_shapes_may_stay_on_the_cpu(photo: Placement, caplog: pytest.LogCaptureFixture) -> None:
    placement = on_gpu(photo, lambda node: not node.touches_pixels)
    assert placement.by_provider[CPU] > 50
    assert placement.pixels_on_cpu == ()
    with caplog.at_level(logging.WARNING):
        check_placement(placement, "cuda", "photo")
    assert caplog.text == ""


def test_what_reads_a_shape_touches_no_pixels_and_a_sum_of_pixels_does() -> None:
    node = helper.make_node
    shapes = [node("Shape", ["image"], ["s"], "see"), node("Mul", ["s", "s"], ["y"], "square")]
    assert placement_of(graph_of(shapes, "y", TensorProto.INT64, [4])).pixels_on_cpu == ()
    sums = [
        node("Cast", ["image"], ["x"], "cast", to=TensorProto.FLOAT),
        node("ReduceMax", ["x"], ["y"], "brightest", keepdims=0),
    ]
    touching = placement_of(graph_of(sums, "y", TensorProto.FLOAT, [])).pixels_on_cpu
    assert [str(node) for node in touching] == ["Cast (cast)", "ReduceMax (brightest)"]


def test_a_graph_that_cannot_be_run_says_so(scratch: Path) -> None:
    sides = helper.make_node("Reshape", ["image", "two"], ["y"], "too_few")
    two = helper.make_node("Constant", [], ["two"], value_ints=[2])
    graph = graph_of([two, sides], "y", TensorProto.UINT8, ["n"])
    with pytest.raises(ModelFileError, match="crop of 96 pixels"):
        placement_of(graph)
    assert list(scratch.iterdir()) == []


def test_info_shows_the_counts(toy_models: Path) -> None:
    done = subprocess.run(
        stoicnet("info", "--profile"),
        env=clean_environment(device="cpu", models_dir=str(toy_models)),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    placement = Info.model_validate_json(done.stdout).models["photo"].placement
    assert placement is not None
    assert placement.nodes[CPU] > 10
    assert placement.copies == 0
    assert placement.pixels_on_cpu["Round"] == 1
