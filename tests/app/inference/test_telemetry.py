"""Nothing phones home: ONNX Runtime would, unless told otherwise before it is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# What ONNX Runtime takes for a test run, in which it keeps quiet by itself.
_HUSHED = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "ORT_RUNNING_UNIT_TESTS", "ORT_DISABLE_TELEMETRY")
_RUN = """
import {package}
import os, onnxruntime
from pathlib import Path
assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
graph = Path("onnx_models/meter/meter.onnx").read_bytes()
onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
"""


@pytest.mark.parametrize("package", ["app", "model_training"])
def test_no_device_id_and_no_cache_are_left_in_the_home_directory(
    package: str, tmp_path: Path
) -> None:
    kept = {key: value for key, value in os.environ.items() if key not in _HUSHED}
    kept = {key: value for key, value in kept.items() if not key.startswith("XDG_")}
    done = subprocess.run(
        [sys.executable, "-B", "-c", _RUN.format(package=package)],
        cwd=ROOT,
        env=kept | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob("*")) == []


def test_an_operator_can_switch_it_on() -> None:
    code = "import app, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    environment = os.environ | {"ORT_DISABLE_TELEMETRY": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "0"
