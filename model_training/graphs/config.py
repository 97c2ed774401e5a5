"""What is done to exported graphs: fewer bits, a check of kernels, the published figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import DirectoryPath, FilePath
from tyro.conf import Positional


@dataclass(frozen=True)
class ReducedConfig:
    """The same model in fewer bits.

    Attributes:
        photos: folder of photographs with a face each.
        model: photo or classic.
        models_dir: where models live.
        out: new models folder; none is only compared.
        report: JSON file for the comparison.
    """

    photos: DirectoryPath
    model: str = "photo"
    models_dir: Path = Path("onnx_models")
    out: Path | None = None
    report: Path | None = None


@dataclass(frozen=True)
class Int8Config(ReducedConfig):
    """Quantize a model for the CPU: every second photograph calibrates, the others compare."""


@dataclass(frozen=True)
class HalfConfig(ReducedConfig):
    """Half precision for CUDA; compared on the CPU, where it is slower."""


@dataclass(frozen=True)
class KernelCheckConfig:
    """List the operators that the installed onnxruntime-gpu has no CUDA kernel for.

    No GPU is needed: the wheel's CUDA provider is loaded with stand-ins for NVIDIA's libraries
    and says which nodes it takes, by operator, opset and data types. Whether CUDA comes up on a
    machine and its GPU suits the kernels is not known that way: `stoicnet info` says it there.

    Exit codes: 0 every kernel is there, 1 one is missing, 2 it cannot be known here.

    Attributes:
        provider: whose kernels.
        models_dir: where models live.
        graph: ONNX file instead of the manifest's models.
    """

    provider: Literal["cuda"] = "cuda"
    models_dir: Path = Path("onnx_models")
    graph: tuple[FilePath, ...] = ()


@dataclass(frozen=True)
class QualityConfig:
    """Copy a model's published results into the manifest.

    Attributes:
        model: photo or classic.
        models_dir: where models live.
        results: published results.
    """

    model: Positional[str]
    models_dir: Path = Path("onnx_models")
    results: DirectoryPath = Path("docs/results")


COMMANDS = {
    "export int8": (Int8Config, "int8"),
    "export fp16": (HalfConfig, "fp16"),
    "export check": (KernelCheckConfig, "check"),
    "export quality": (QualityConfig, "quality"),
}
