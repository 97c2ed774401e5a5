from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distributions
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from app.errors import ModelFileError
from app.inference.runtime import RuntimeOptions, build_session
from app.inference.session import NeutralizerSession, run_bound
from tests.app.conftest import clean_environment, stoicnet
from tests.app.toy_graph import GAIN, toy_graph


def test_batches_of_different_strength() -> None:
    session = NeutralizerSession(toy_graph(), "toy", RuntimeOptions("cpu", intra_op_threads=1))
    image = np.full((3, 64, 64, 3), 10, np.uint8)
    neutral = session.run(image, np.array([0, 0.5, 1], np.float32))
    assert neutral[:, -1, 0, 0].tolist() == [10, 10 + GAIN / 2, 10 + GAIN]


def test_one_session_serves_several_threads() -> None:
    session = NeutralizerSession(toy_graph(), "toy", RuntimeOptions("cpu"))

    def run(value: int) -> bool:
        image = np.full((1, 64, 64, 3), value, np.uint8)
        neutral = session.run(image, np.ones(1, np.float32))
        return bool((neutral[:, 32:] == value + GAIN).all() and (neutral[:, :32] == value).all())

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(run, range(100)))


def test_what_is_not_a_graph() -> None:
    with pytest.raises(ModelFileError, match="cannot be loaded"):
        NeutralizerSession(b"not a graph", "toy", RuntimeOptions("cpu"))


def test_graph_of_another_contract() -> None:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "identity",
        [value("x", TensorProto.FLOAT, [1])],
        [value("y", TensorProto.FLOAT, [1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    with pytest.raises(ModelFileError, match="expected"):
        NeutralizerSession(model.SerializeToString(), "identity", RuntimeOptions("cpu"))


def test_bound_tensors_give_the_same_answer() -> None:
    session = NeutralizerSession(toy_graph(), "toy", RuntimeOptions("cpu"))
    image = np.random.default_rng(0).integers(0, 200, (2, 64, 64, 3)).astype(np.uint8)
    strength = np.array([0.5, 1], np.float32)
    plain = build_session(toy_graph(), "toy", RuntimeOptions("cpu"), threads=1)
    bound = run_bound(plain, {"image": image, "strength": strength})
    assert np.array_equal(bound, session.run(image, strength))


@pytest.mark.parametrize(("device", "name"), [("cuda", "CUDA"), ("tensorrt", "Tensorrt")])
def test_a_gpu_that_does_not_come_up_ends_the_start(
    toy_models: Path, device: str, name: str
) -> None:
    # No visible GPU: the same on machines with and without one.
    environment = clean_environment(device=device, models_dir=str(toy_models))
    environment["CUDA_VISIBLE_DEVICES"] = "-1"
    done = subprocess.run(
        stoicnet("serve", "--port", "0"),
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    assert f"{name} did not come up" in done.stderr
    assert "pip install 'onnxruntime-gpu[cuda,cudnn]" in done.stderr
    assert "Traceback" not in done.stderr


def test_auto_falls_back_to_the_cpu_and_says_so(toy_models: Path) -> None:
    environment = clean_environment(device="auto", models_dir=str(toy_models))
    environment["CUDA_VISIBLE_DEVICES"] = "-1"
    done = subprocess.run(
        stoicnet("info", "--verbose"),
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert '"provider": "CPUExecutionProvider"' in done.stdout
    assert "photo runs on CPUExecutionProvider" in done.stderr


def test_start_up_says_which_build_of_the_runtime_is_installed(toy_models: Path) -> None:
    installed = {part.name: part.version for part in distributions()}
    [(name, version)] = [
        (name, version)
        for name, version in installed.items()
        if name in ("onnxruntime", "onnxruntime-gpu")
    ]
    build = "the CUDA build" if name == "onnxruntime-gpu" else "the CPU build"
    done = subprocess.run(
        stoicnet("info", "--verbose"),
        env=clean_environment(device="cpu", models_dir=str(toy_models)),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert f"ONNX Runtime {version}, {build}" in done.stderr
