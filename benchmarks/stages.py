"""Each stage of a photograph's way against its floor: `python -m benchmarks.stages`.

Writes docs/performance/stages.json. Everything runs in one thread. A stage's floor is the larger
of two times: to move the bytes it must read and write once, at this machine's copy bandwidth; and
to do its convolutions, at the best rate of a convolution or matrix product here. Both rates are
measured in the same run.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import choose_crop_size, crop_matrix, cut, matrix_scale
from app.faces.compositing import composite
from app.faces.detector import FaceDetector, yunet_path
from app.faces.meter import load_meter
from app.faces.views import first_looks
from app.faces.yunet import any_size
from app.imaging.decode import decode
from app.imaging.encode import encode_png
from app.inference.registry import load_models, read_manifest
from app.inference.runtime import RuntimeOptions
from app.memory import keep_freed_memory
from app.settings import DEFAULT_MODELS_DIR
from benchmarks.floors import convolution_flops, copy_bandwidth, flop_rate, milliseconds
from benchmarks.machine import RESULTS, describe, write
from benchmarks.pictures import pictures

_CLOSE_UPS = 3  # looks at a face in detail, at 256 px


@dataclass(frozen=True)
class Stage:
    """One stage at one size: its time, and what it cannot avoid."""

    name: str
    ms: float
    bytes: float
    flops: float = 0.0

    def row(self, size: str, crop: int, bandwidth: float, rate: float) -> dict[str, Any]:
        """As it is written."""
        moving, computing = self.bytes / bandwidth * 1000, self.flops / rate * 1000
        floor = max(moving, computing)
        return {
            "name": self.name,
            "size": int(size),
            "crop": crop,
            "ms": round(self.ms, 3),
            "floor_ms": round(floor, 3),
            "ratio": round(self.ms / floor, 1),
            "bound": "computing" if computing > moving else "moving",
            "bytes": round(self.bytes),
            "flops": round(self.flops),
        }


class Bench:
    """The parts of the pipeline, each to be called alone."""

    def __init__(self, repeats: int) -> None:
        cv2.setNumThreads(1)
        keep_freed_memory()  # as the service does
        options = RuntimeOptions("cpu", intra_op_threads=1)
        self._repeats = repeats
        self._detector = FaceDetector()
        self._model = load_models(DEFAULT_MODELS_DIR, options)["photo"]
        self._every_core = load_models(DEFAULT_MODELS_DIR, RuntimeOptions("cpu"))["photo"]
        self._meter = load_meter(DEFAULT_MODELS_DIR, options)
        entry = read_manifest(DEFAULT_MODELS_DIR).meter
        self._meter_side = entry.crop_size if entry else 0
        self._meter_graph = (DEFAULT_MODELS_DIR / "meter" / "meter.onnx").read_bytes()
        self._fused = (DEFAULT_MODELS_DIR / "photo" / "fused.onnx").read_bytes()
        self._yunet = any_size(yunet_path().read_bytes())

    def stages(self, data: bytes) -> tuple[int, list[Stage]]:
        """The crop's side and every stage of one photograph."""
        pixels = decode(data).pixels
        face = self._detector.detect(pixels)[0]
        side = choose_crop_size(face.eye_distance, self._model.crop_sizes)
        matrix = crop_matrix(face.landmarks[0], face.landmarks[1], side)
        crop = cut(pixels, matrix, side)
        neutral = self._model.neutralize(crop.image, 1.0)
        altered, mask = composite(pixels, crop, neutral)
        png = encode_png(altered)
        shown = min(pixels.nbytes, crop.image.nbytes / matrix_scale(matrix) ** 2)
        changed = 3 * cv2.countNonZero(mask)

        def cost(work: Any) -> float:
            return milliseconds(work, self._repeats)

        found = [
            Stage("decode", cost(lambda: decode(data)), len(data) + pixels.nbytes),
            Stage(
                "detect",
                cost(lambda: self._detector.detect(pixels)),
                pixels.nbytes,
                self._detector_flops(pixels),
            ),
            Stage("align", cost(lambda: cut(pixels, matrix, side)), shown + crop.image.nbytes),
            Stage(
                "network",
                cost(lambda: self._model.neutralize(crop.image, 1.0)),
                2 * crop.image.nbytes,
                self._network_flops(crop.image),
            ),
            Stage(
                "composite",
                cost(lambda: composite(pixels, crop, neutral)),
                2 * pixels.nbytes + 2 * crop.image.nbytes + 2 * changed,
            ),
            Stage("encode", cost(lambda: encode_png(altered)), altered.nbytes + len(png)),
        ]
        if self._meter is not None:
            meter = self._meter
            twice = cost(
                lambda: (meter.read(pixels, matrix, side), meter.read(altered, matrix, side))
            )
            side_of = self._meter_side
            feed = {"image": np.zeros((1, side_of, side_of, 3), np.uint8)}
            flops = 2 * convolution_flops(self._meter_graph, feed)
            found.append(Stage("measure", twice, 2 * shown, flops))
        return side, found

    def batches(self, data: bytes, sizes: list[int], counts: list[int]) -> list[dict[str, Any]]:
        """Milliseconds of the network a crop, by the crop's side and how many run together.

        The first row of a side also says what one crop takes on the clock with every core.
        """
        pixels = decode(data).pixels
        right, left = self._detector.detect(pixels)[0].landmarks[:2]
        rows = []
        for side in sizes:
            crop = cut(pixels, crop_matrix(right, left, side), side).image
            for count in counts:
                images, strength = np.repeat(crop[None], count, 0), np.ones(count, np.float32)
                spent = milliseconds(lambda: self._model.session.run(images, strength), 3)  # noqa: B023
                rows.append({"crop": side, "batch": count, "ms_each": round(spent / count, 2)})
            rows[-len(counts)]["wall_ms"] = round(self._alone(crop), 2)
        return rows

    def _alone(self, crop: NDArray[np.uint8]) -> float:
        """Median milliseconds on the clock for one crop with every core."""
        spent = []
        for _ in range(self._repeats + 1):
            start = time.perf_counter()
            self._every_core.neutralize(crop, 1.0)
            spent.append((time.perf_counter() - start) * 1000)
        return float(np.median(spent[1:]))

    def _detector_flops(self, pixels: Any) -> float:
        sides = [view.pixels.shape[:2] for view in first_looks(pixels)] + [(256, 256)] * _CLOSE_UPS
        total = 0.0
        for height, width in sides:
            padded = (-(-height // 32) * 32, -(-width // 32) * 32)
            feed = {"input": np.zeros((1, 3, *padded), np.float32)}
            total += convolution_flops(self._yunet, feed)
        return total

    def _network_flops(self, crop: Any) -> float:
        feed = {"image": crop[None], "strength": np.ones(1, np.float32)}
        return convolution_flops(self._fused, feed)


def measure(sizes: list[str], repeats: int) -> dict[str, Any]:
    """Everything, for the pictures of these sizes."""
    bandwidth, rates = copy_bandwidth(), flop_rate()
    rate = max(rates.values())
    bench, photographs = Bench(repeats), pictures()
    rows: list[dict[str, Any]] = []
    for size in sizes:
        side, stages = bench.stages(photographs[size])
        rows += [stage.row(size, side, bandwidth, rate) for stage in stages]
    return {
        "command": f"python -m benchmarks.stages --sizes {' '.join(sizes)} --repeats {repeats}",
        "machine": describe(),
        "unit": "milliseconds of one core, median",
        "copy_gb_s": round(bandwidth / 1e9, 2),
        "gflop_s": {name: round(value / 1e9, 1) for name, value in rates.items()},
        "stages": rows,
        "batches": bench.batches(photographs["1600"], [256, 512, 1024], [1, 4, 8]),
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", default=["512", "880", "1600", "3000"])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the JSON file")
    arguments = parser.parse_args()
    result = measure(arguments.sizes, arguments.repeats)
    for row in result["stages"]:
        print(
            f"{row['size']:>5} {row['name']:<10} {row['ms']:8.2f} ms  floor {row['floor_ms']:7.2f}"
        )
    print(write("stages", result, arguments.out))


if __name__ == "__main__":
    main()
