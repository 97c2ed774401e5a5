"""Which execution providers a session asks ONNX Runtime for, and with what options."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import onnxruntime as ort

from app.settings import Device
from app.version import to_install

CPU, CUDA, TENSORRT = (
    "CPUExecutionProvider",
    "CUDAExecutionProvider",
    "TensorrtExecutionProvider",
)

HELP = {
    "cuda": "Install an NVIDIA driver and the CUDA libraries, for example with "
    f"`{to_install('gpu')}` (in a checkout: `make gpu`), or set STOICNET_DEVICE=cpu.",
    "tensorrt": "Install an NVIDIA driver, the CUDA libraries and TensorRT's (`"
    f"{to_install('gpu')} tensorrt`, and its folder on LD_LIBRARY_PATH), or set "
    "STOICNET_DEVICE=cuda.",
}

Provider = str | tuple[str, dict[str, str]]


def cuda_driver_present() -> bool:
    """Whether the NVIDIA driver's library can be loaded; without it CUDA cannot come up."""
    library = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def installed_build() -> str:
    """Which ONNX Runtime is installed, for the log: its version, and whether it knows CUDA."""
    kind = "the CUDA build" if CUDA in ort.get_available_providers() else "the CPU build"
    return f"ONNX Runtime {ort.__version__}, {kind}"


def choose_providers(
    device: Device, gpu_memory_mb: int = 0, engine_cache: Path | None = None
) -> list[Provider]:
    """What to ask for, best first; the CPU always ends the list.

    Args:
        device: `auto` never takes TensorRT, which builds an engine for minutes.
        gpu_memory_mb: most GPU memory of a session, in MB; 0 sets no limit.
        engine_cache: folder in which TensorRT keeps its engines; None keeps none.
    """
    chosen: list[Provider] = [CPU]
    # Without a driver the attempt could only fail, with alarming lines on stderr.
    if device == "cpu" or not cuda_driver_present():
        return chosen
    built_in = ort.get_available_providers()
    if CUDA in built_in:
        ort.preload_dlls()
        chosen.insert(0, (CUDA, cuda_options(gpu_memory_mb)))
    if device == "tensorrt" and TENSORRT in built_in:
        chosen.insert(0, (TENSORRT, tensorrt_options(gpu_memory_mb, engine_cache)))
    return chosen


def cuda_options(gpu_memory_mb: int = 0) -> dict[str, str]:
    """For the CUDA provider."""
    chosen = {
        # The default exhaustive search of convolution algorithms costs seconds a shape.
        "cudnn_conv_algo_search": "HEURISTIC",
        # The default doubles the arena at every growth.
        "arena_extend_strategy": "kSameAsRequested",
    }
    if gpu_memory_mb:
        chosen["gpu_mem_limit"] = str(gpu_memory_mb * 1024 * 1024)
    return chosen


def tensorrt_options(gpu_memory_mb: int = 0, engine_cache: Path | None = None) -> dict[str, str]:
    """For the TensorRT provider: half precision where TensorRT finds it faster."""
    chosen = {"trt_fp16_enable": "1"}
    if gpu_memory_mb:
        chosen["trt_max_workspace_size"] = str(gpu_memory_mb * 1024 * 1024)
    if engine_cache is not None:
        chosen |= {"trt_engine_cache_enable": "1", "trt_engine_cache_path": str(engine_cache)}
        chosen |= {"trt_timing_cache_enable": "1", "trt_timing_cache_path": str(engine_cache)}
    return chosen
