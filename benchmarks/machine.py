"""What a figure was measured on, and where it is written."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from app.inference.threads import usable_cores
from app.settings import DEFAULT_MODELS_DIR
from model_training.runs.atomic import write_json

RESULTS = Path(__file__).resolve().parent.parent / "docs" / "performance"
_PACKAGES = ("numpy", "opencv-python-headless", "pillow", "isal", "fastapi", "uvicorn")


def describe(*packages: str) -> dict[str, Any]:
    """Processor, cores, load at this moment, versions, the commit and the model."""
    import onnxruntime

    versions = {name: version(name) for name in (*_PACKAGES, *packages)}
    return {
        "processor": _processor(),
        "cores": usable_cores(),
        "load_1_minute": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "packages": versions | {"onnxruntime": onnxruntime.__version__},
        "commit": _commit(),
        "model_sha256": served_model()[1],
    }


def served_model() -> tuple[str, str]:
    """Version of `photo`, and the beginning of its fused graph's hash."""
    entry = json.loads((DEFAULT_MODELS_DIR / "manifest.json").read_text())["models"]["photo"]
    return str(entry["version"]), str(entry["files"]["fused.onnx"]["sha256"][:16])


def write(name: str, result: dict[str, Any], folder: Path = RESULTS) -> Path:
    """Write `NAME.json`, whole or not at all."""
    target = folder / f"{name}.json"
    write_json(result, target)
    return target


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _commit() -> str:
    command = ["git", "-C", str(RESULTS.parent.parent), "rev-parse", "--short=12", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
