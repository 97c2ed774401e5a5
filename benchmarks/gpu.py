"""The fused graph on a GPU: `python -m benchmarks.gpu`; exit code 3 where there is none.

For CUDA (and TensorRT with --tensorrt): milliseconds a crop by side and batch, with tensors bound
as the service binds them, in float32 and in half precision, and the difference of both to float32
on the CPU. Writes docs/performance/gpu.json.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import StartupError
from app.faces.alignment import crop_matrix, cut
from app.faces.detector import FaceDetector
from app.imaging.decode import decode
from app.inference.providers import HELP, cuda_driver_present
from app.inference.runtime import RuntimeOptions
from app.inference.session import NeutralizerSession
from app.settings import DEFAULT_MODELS_DIR, Device
from benchmarks.machine import RESULTS, describe, write
from benchmarks.pictures import pictures
from model_training.graphs.reduced import to_half

NO_GPU = 3
_SIDES = (256, 512, 1024)


def crops(side: int, batch: int) -> NDArray[np.uint8]:
    """A real face, `batch` times."""
    pixels = decode(pictures()["1600"]).pixels
    right, left = FaceDetector().detect(pixels)[0].landmarks[:2]
    one = cut(pixels, crop_matrix(right, left, side), side).image
    return np.repeat(one[None], batch, 0)


def seconds_a_run(session: NeutralizerSession, images: NDArray[np.uint8], repeats: int) -> float:
    """Median time of a run, results on the host."""
    strength = np.ones(len(images), np.float32)
    for _ in range(3):
        session.run(images, strength)
    spent = []
    for _ in range(repeats):
        start = time.perf_counter()
        session.run(images, strength)
        spent.append(time.perf_counter() - start)
    return float(np.median(spent))


def measure(devices: list[Device], batches: list[int], repeats: int) -> list[dict[str, Any]]:
    """A row for every device, precision, side and batch."""
    single = (DEFAULT_MODELS_DIR / "photo" / "fused.onnx").read_bytes()
    on_cpu = NeutralizerSession(single, "photo", RuntimeOptions("cpu"))
    rows = []
    for device in devices:
        for precision, graph in (("float32", single), ("float16", to_half(single))):
            session = NeutralizerSession(graph, "photo", RuntimeOptions(device))
            for side in _SIDES:
                one = crops(side, 1)
                strength = np.ones(1, np.float32)
                reference = on_cpu.run(one, strength).astype(np.int16)
                difference = np.abs(session.run(one, strength) - reference)
                for batch in batches:
                    spent = seconds_a_run(session, crops(side, batch), repeats)
                    rows.append(
                        {
                            "provider": session.provider,
                            "precision": precision,
                            "side": side,
                            "batch": batch,
                            "ms_each": round(spent / batch * 1000, 3),
                            "per_second": round(batch / spent, 1),
                            "largest_difference": int(difference.max()),
                            "mean_difference": round(float(difference.mean()), 4),
                        }
                    )
                    print(rows[-1], flush=True)
    return rows


def main(driver_present: Callable[[], bool] = cuda_driver_present) -> None:
    """Measure and write, or say what is missing.

    Args:
        driver_present: whether this machine has a GPU's driver.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 4, 8])
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--tensorrt", action="store_true", help="measure TensorRT too")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the JSON file")
    arguments = parser.parse_args()
    if not driver_present():
        print(f"No GPU: the NVIDIA driver's library is not here. {HELP['cuda']}", file=sys.stderr)
        raise SystemExit(NO_GPU)
    devices: list[Device] = ["cuda", "tensorrt"] if arguments.tensorrt else ["cuda"]
    try:
        rows = measure(devices, arguments.batches, arguments.repeats)
    except StartupError as error:
        print(f"No GPU: {error.detail}", file=sys.stderr)
        raise SystemExit(NO_GPU) from error
    head = {"command": "python -m benchmarks.gpu", "machine": describe()}
    print(write("gpu", head | {"rows": rows}, arguments.out))


if __name__ == "__main__":
    main()
