"""LivePortrait's networks against ours: `python -m benchmarks.rivals --editors DIR`.

`DIR` is a checkout of https://github.com/KwaiVGI/LivePortrait. Its five networks are built as its
`src/config/models.yaml` says, with random weights, because the arithmetic is the same whatever the
weights are. One face is what its pipeline computes of it when the motion that drives it is known
already: motion and appearance of the source at 256 px, stitching, warping, and the generator, which
answers 512 px. Ours is the fused graph at a crop of 512 px. Detection, cutting and putting back are
left out on both sides.

Each side is a process of its own with as many threads, in float32; they take turns. Writes
docs/performance/editors.json.
"""

from __future__ import annotations

import importlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.machine import describe, write

Work = Callable[[], object]
_SIDE = 512
_KEYPOINTS = 21


def ours(threads: int) -> tuple[Work, int]:
    """The fused graph on a face, and how many numbers its weights are."""
    import numpy as np
    import onnx

    from app.inference.runtime import RuntimeOptions
    from app.inference.session import NeutralizerSession
    from app.settings import DEFAULT_MODELS_DIR
    from benchmarks.gpu import crops

    graph = (DEFAULT_MODELS_DIR / "photo" / "fused.onnx").read_bytes()
    weights = sum(
        np.prod(w.dims, dtype=int) for w in onnx.load_from_string(graph).graph.initializer
    )
    session = NeutralizerSession(graph, "photo", RuntimeOptions("cpu", intra_op_threads=threads))
    image, strength = crops(_SIDE, 1), np.ones(1, np.float32)
    return lambda: session.run(image, strength), int(weights)


def liveportrait(folder: Path, threads: int) -> tuple[Work, int]:
    """LivePortrait's networks on a face, and how many parameters they have."""
    import torch
    import yaml

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    sys.path.insert(0, str(folder))
    text = (folder / "src" / "config" / "models.yaml").read_text()
    settings = yaml.safe_load(text)["model_params"]

    def network(module: str, name: str, options: dict[str, Any]) -> Any:
        found = getattr(importlib.import_module(f"src.modules.{module}"), name)
        return found(**options).eval()

    def of(part: str) -> dict[str, Any]:
        return dict(settings[f"{part}_params"])

    appearance = network(
        "appearance_feature_extractor",
        "AppearanceFeatureExtractor",
        of("appearance_feature_extractor"),
    )
    motion = network("motion_extractor", "MotionExtractor", of("motion_extractor"))
    warping = network("warping_network", "WarpingNetwork", of("warping_module"))
    generator = network("spade_generator", "SPADEDecoder", of("spade_generator"))
    stitching = network(
        "stitching_retargeting_network",
        "StitchingRetargetingNetwork",
        of("stitching_retargeting_module")["stitching"],
    )
    networks = (appearance, motion, warping, generator, stitching)
    source = torch.rand(1, 3, 256, 256)

    def face() -> object:
        with torch.inference_mode():
            # Poses are not turned into rotations here: that is a few multiplications.
            points = motion(source)["kp"].reshape(1, _KEYPOINTS, 3)
            volume = appearance(source)
            pairs = torch.cat([points.flatten(1), points.flatten(1)], 1)
            moved = points + stitching(pairs)[:, : 3 * _KEYPOINTS].reshape(points.shape)
            warped = warping(volume, kp_source=points, kp_driving=moved)["out"]
            picture = generator(feature=warped)
        assert tuple(picture.shape) == (1, 3, _SIDE, _SIDE)
        return picture

    return face, sum(p.numel() for each in networks for p in each.parameters())


def _peak_mb() -> float:
    """The most memory that this process was resident in, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return float(line.split()[1]) / 1000
    raise SystemExit("this needs Linux")


def serve(folder: str, threads: int) -> None:
    """A side: for every line read, one face, and a line of figures; the first line is no face."""
    work, parameters = ours(threads) if folder == "ours" else liveportrait(Path(folder), threads)
    work()  # not counted: memory is taken and kernels are chosen
    print(parameters, flush=True)
    for _ in sys.stdin:
        spent, began = time.process_time(), time.perf_counter()
        work()
        seconds = (time.process_time() - spent, time.perf_counter() - began)
        print(*seconds, _peak_mb(), flush=True)


class _Side:
    def __init__(self, folder: str, threads: int) -> None:
        command = [sys.executable, "-m", "benchmarks.rivals.editors", folder, str(threads)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.parameters = int(self._line())

    def face(self) -> list[float]:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return [float(value) for value in self._line().split()]

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a side ended")
        return line

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def measure(folder: Path, threads: int, rounds: int) -> list[dict[str, Any]]:
    """A row for each side; in every round ours goes before and after theirs."""
    sides = {"StoicNet": _Side("ours", threads), "LivePortrait": _Side(str(folder), threads)}
    seen: dict[str, list[list[float]]] = {name: [] for name in sides}
    try:
        for turn in range(rounds):
            for name in ("StoicNet", "LivePortrait", "StoicNet"):
                seen[name].append(sides[name].face())
                print(f"round {turn + 1}, {name}: {seen[name][-1]}", flush=True)
    finally:
        for side in sides.values():
            side.end()
    return [
        {
            "name": name,
            "parameters": sides[name].parameters,
            "cpu_s": round(statistics.median(row[0] for row in rows), 4),
            "wall_s": round(statistics.median(row[1] for row in rows), 4),
            "peak_mb": round(max(row[2] for row in rows)),
        }
        for name, rows in seen.items()
    ]


def run(folder: Path, threads: int, rounds: int, out: Path) -> None:
    """Measure and write."""
    folder = folder.resolve()
    if not (folder / "src" / "config" / "models.yaml").is_file():
        raise SystemExit(f"{folder} is no checkout of LivePortrait")
    head = {
        "command": f"python -m benchmarks.rivals --editors DIR --threads {threads} "
        f"--rounds {rounds}",
        "machine": describe("torch"),
        "threads": threads,
        "rows": measure(folder, threads, rounds),
    }
    print(write("editors", head, out))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", sys.argv[2])
    serve(sys.argv[1], int(sys.argv[2]))
