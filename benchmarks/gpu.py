"""The fused graph on a GPU: `python -m benchmarks.gpu`; exit code 3 where there is none.

For CUDA and TensorRT, each in float32 and in half precision: milliseconds a crop by side and batch,
with tensors bound as the service binds them; the difference to float32 on the CPU; the GPU's memory
beyond what was taken before the session; and how many nodes ran where. A device that does not come
up is named with its reason, and the others are measured. Writes docs/performance/gpu.json.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
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


def memory_used() -> int | None:
    """Memory of the first GPU that is taken, in MB, by whomever; None where nobody can say."""
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "-i", "0"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return int(said.split()[0])
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
        return None


def rows_of(
    session: NeutralizerSession,
    on_cpu: NeutralizerSession,
    sides: Sequence[int],
    batches: Sequence[int],
    repeats: int,
    taken: int | None,
) -> Iterator[dict[str, Any]]:
    """A row for every side and batch; `taken` is the GPU's memory from before the session."""
    strength = np.ones(1, np.float32)
    for side in sides:
        one = crops(side, 1)
        reference = on_cpu.run(one, strength).astype(np.int16)
        difference = np.abs(session.run(one, strength) - reference)
        for batch in batches:
            spent = seconds_a_run(session, crops(side, batch), repeats)
            now = memory_used()
            yield {
                "provider": session.provider,
                "side": side,
                "batch": batch,
                "ms_each": round(spent / batch * 1000, 3),
                "per_second": round(batch / spent, 1),
                "largest_difference": int(difference.max()),
                "mean_difference": round(float(difference.mean()), 4),
                "memory_mb": None if now is None or taken is None else now - taken,
            }


def measure(
    devices: Sequence[Device],
    batches: Sequence[int],
    repeats: int,
    sides: Sequence[int] = _SIDES,
) -> dict[str, Any]:
    """Rows for every device, precision, side and batch; nodes by provider; what did not come up."""
    single = (DEFAULT_MODELS_DIR / "photo" / "fused.onnx").read_bytes()
    on_cpu = NeutralizerSession(single, "photo", RuntimeOptions("cpu"))
    result: dict[str, Any] = {"rows": [], "nodes": [], "left_out": []}
    for device in devices:
        for precision, graph in (("float32", single), ("float16", to_half(single))):
            taken = memory_used()
            try:
                session = NeutralizerSession(graph, "photo", RuntimeOptions(device, profile=True))
            except StartupError as error:
                reason = {"device": device, "precision": precision, "reason": error.detail}
                result["left_out"].append(reason)
                continue
            placement = session.placement
            assert placement is not None
            said = {"provider": session.provider, "precision": precision}
            ran = {"by_provider": placement.by_provider, "copies": placement.copies}
            result["nodes"].append(said | ran)
            for row in rows_of(session, on_cpu, sides, batches, repeats, taken):
                result["rows"].append(said | row)
                print(result["rows"][-1], flush=True)
            del session  # its memory is not the next one's
    return result


def main(driver_present: Callable[[], bool] = cuda_driver_present) -> None:
    """Measure and write, or say what is missing.

    Args:
        driver_present: whether this machine has a GPU's driver.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 4, 8])
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument(
        "--devices", nargs="+", default=["cuda", "tensorrt"], choices=["cuda", "tensorrt"]
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the JSON file")
    arguments = parser.parse_args()
    if not driver_present():
        print(f"No GPU: the NVIDIA driver's library is not here. {HELP['cuda']}", file=sys.stderr)
        raise SystemExit(NO_GPU)
    result = measure(arguments.devices, arguments.batches, arguments.repeats)
    for left in result["left_out"]:
        print(f"{left['device']}, {left['precision']}: {left['reason']}", file=sys.stderr)
    if not result["rows"]:
        raise SystemExit(NO_GPU)
    head = {"command": "python -m benchmarks.gpu", "machine": describe()}
    print(write("gpu", head | result, arguments.out))


if __name__ == "__main__":
    main()
