"""What the command line does to exported graphs.

Each command imports what it needs itself: checking kernels needs ONNX Runtime alone.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from model_training.errors import UsageError
from model_training.graphs.config import (
    HalfConfig,
    Int8Config,
    KernelCheckConfig,
    QualityConfig,
    ReducedConfig,
)
from model_training.runs.atomic import write_json
from model_training.runs.manifest import model_entry, read_manifest

Crops = list[NDArray[np.uint8]]


def int8(config: Int8Config) -> None:
    """Write the model with weights and activations in 8 bits."""
    from model_training.graphs.reduced import to_int8

    graph, crops = _graph(config), _crops(config)
    _finish(config, "int8", graph, to_int8(graph, crops[::2]), crops[1::2])


def fp16(config: HalfConfig) -> None:
    """Write the model in half precision."""
    from model_training.graphs.reduced import to_half

    graph = _graph(config)
    _finish(config, "fp16", graph, to_half(graph), _crops(config))


def _graph(config: ReducedConfig) -> bytes:
    model_entry(config.models_dir, config.model)
    return (config.models_dir / config.model / "fused.onnx").read_bytes()


def _crops(config: ReducedConfig) -> Crops:
    """The aligned crop of the largest face of every photograph, each at its own size."""
    from app.errors import StoicNetError
    from app.faces.alignment import choose_crop_size, crop_matrix, cut
    from app.faces.detector import FaceDetector
    from app.imaging.decode import decode

    sizes = tuple(model_entry(config.models_dir, config.model)["crop_sizes"])
    detector = FaceDetector()
    crops = []
    for file in sorted(path for path in config.photos.iterdir() if path.is_file()):
        try:
            pixels = decode(file.read_bytes()).pixels
        except StoicNetError as error:
            print(f"{file}: {error}", file=sys.stderr)
            continue
        for face in detector.detect(pixels)[:1]:
            size = choose_crop_size(face.eye_distance, sizes)
            matrix = crop_matrix(face.landmarks[0], face.landmarks[1], size)
            crops.append(cut(pixels, matrix, size).image)
    if len(crops) < 2:
        raise UsageError(
            f"{config.photos} has {len(crops)} photographs with a face; two are needed."
        )
    return crops


def _finish(config: ReducedConfig, kind: str, graph: bytes, reduced: bytes, crops: Crops) -> None:
    from model_training.graphs.reduced import compare, write_models

    figures = asdict(compare(graph, reduced, crops))
    figures = {key: round(value, 3) for key, value in figures.items()}
    figures |= {"crops": len(crops), "bytes_before": len(graph), "bytes_after": len(reduced)}
    print(f"{config.model} {kind}: {figures}")
    if config.report is not None:
        write_json({"model": config.model, "kind": kind, **figures}, config.report)
    if config.out is not None:
        print(f"wrote {write_models(config.models_dir, config.out, config.model, reduced)}")


def check(config: KernelCheckConfig) -> None:
    """Say which nodes CUDA takes.

    Raises:
        SystemExit: with 1, a kernel is missing.
        UsageError: it cannot be known here.
    """
    import onnxruntime as ort

    from model_training.graphs.cuda_kernels import KernelsUnknownError, partition

    models = read_manifest(config.models_dir)["models"] if not config.graph else {}
    graphs = config.graph or [config.models_dir / name / "fused.onnx" for name in models]
    incomplete = False
    for file in graphs:
        try:
            found = partition(file)
        except KernelsUnknownError as error:
            raise UsageError(f"{file}: {error}") from error
        counts = ", ".join(f"{count} on {name}" for name, count in found.nodes.items())
        print(f"{file}: {counts} (onnxruntime {ort.__version__})")
        missing = sorted(found.without_kernel, key=lambda node: node.operator)
        for operator, nodes in groupby(missing, key=lambda node: node.operator):
            incomplete = True
            names = ", ".join(node.name for node in nodes)
            print(f"  no {config.provider} kernel: {operator} ({names})")
    if incomplete:
        raise SystemExit(1)


def quality(config: QualityConfig) -> None:
    """Put docs/results into the manifest."""
    from model_training.graphs.quality import record_quality

    found = record_quality(config.models_dir, config.results, config.model)
    for data, figures in found.items():
        print(f"{data}: {figures}")
