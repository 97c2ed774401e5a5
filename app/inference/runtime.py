"""ONNX Runtime sessions: how they are set, and built in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import onnxruntime as ort

from app.errors import ModelFileError
from app.inference.placement import enable_profiling
from app.inference.providers import CPU, Provider
from app.inference.threads import InFlight, LoadAwareSession, usable_cores
from app.settings import Device, Settings


@dataclass(frozen=True, slots=True)
class RuntimeOptions:
    """How ONNX Runtime runs a graph.

    Attributes:
        device: `cuda` and `tensorrt` fail when they do not come up or leave nodes that touch
            pixels to the CPU; `auto` falls back to the CPU, or leaves them there, and says so.
        intra_op_threads: threads inside one run on the CPU; 0 takes the cores that may be used.
        memory_arena: keep CPU memory between runs.
        gpu_memory_mb: most GPU memory of a session, in MB; 0 sets no limit.
        engine_cache: folder for TensorRT's engines; None builds them at every start.
        profile: find out on the CPU too where the nodes run, as is always done on a GPU.
    """

    device: Device = "auto"
    intra_op_threads: int = 0
    memory_arena: bool = True
    gpu_memory_mb: int = 0
    engine_cache: Path | None = None
    profile: bool = False

    @classmethod
    def of(cls, settings: Settings, profile: bool = False) -> RuntimeOptions:
        """Those of the service's settings."""
        return cls(
            settings.device,
            settings.intra_op_threads,
            settings.memory_arena,
            settings.gpu_memory_mb,
            settings.tensorrt_cache,
            profile,
        )

    @property
    def threads(self) -> int:
        """Threads inside one run on the CPU."""
        return self.intra_op_threads or usable_cores()

    def session_options(self, threads: int | None = None) -> ort.SessionOptions:
        """The same for ONNX Runtime; `threads` instead of their usual number."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or self.threads
        # The graphs are chains: there is nothing for a second inter-op thread to do.
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.enable_cpu_mem_arena = self.memory_arena
        options.log_severity_level = 3
        # Idle threads that spin would take the cores from decoding and encoding.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return options


def build_session(
    graph: bytes,
    name: str,
    options: RuntimeOptions,
    threads: int,
    providers: Sequence[Provider] = (CPU,),
    profile: Path | None = None,
) -> ort.InferenceSession:
    """A session of ONNX Runtime.

    Args:
        graph: the ONNX file's bytes (already checked).
        name: of what it is, for messages.
        options, threads: how to run it.
        providers: best first.
        profile: folder for the profile of its first runs.

    Raises:
        ModelFileError: ONNX Runtime cannot load it.
    """
    session_options = options.session_options(threads)
    if options.memory_arena and list(providers) == [CPU]:
        _share_arena()
        session_options.add_session_config_entry("session.use_env_allocators", "1")
    if profile is not None:
        enable_profiling(session_options, profile)
    try:
        return ort.InferenceSession(graph, session_options, providers=list(providers))
    # ONNX Runtime raises a dozen unrelated types for graphs it cannot load.
    except Exception as error:
        raise ModelFileError(f"{name} cannot be loaded: {error}") from error


@cache
def _share_arena() -> None:
    """Let all sessions of the process on the CPU take memory from one arena.

    Each would keep one of its own, as large as its largest run needed, while others run.
    """
    where = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    # ONNX Runtime's own choices: no limit, how it grows, first piece, what a piece may waste.
    ort.create_and_register_allocator(where, ort.OrtArenaCfg(0, -1, -1, -1))


def cpu_session(
    graph: bytes, name: str, options: RuntimeOptions, in_flight: InFlight | None = None
) -> LoadAwareSession:
    """The same on the CPU; its runs take one thread while `in_flight` is not alone."""
    return LoadAwareSession(
        lambda threads: build_session(graph, name, options, threads), options.threads, in_flight
    )
