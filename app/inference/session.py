"""One ONNX Runtime session, and the execution providers it really runs on."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from app.errors import DeviceUnavailableError, ModelFileError
from app.inference.cores import usable_cores
from app.inference.crowd import Crowd, CrowdSession
from app.inference.placement import (
    Placement,
    check_placement,
    measured,
    profile_folder,
    profiled,
)
from app.inference.providers import (
    CPU,
    CUDA,
    HELP,
    TENSORRT,
    chosen_providers,
    cuda_driver_present,
)
from app.settings import Device, Settings

log = logging.getLogger(__name__)

_INPUTS = {"image": "tensor(uint8)", "strength": "tensor(float)"}
_OUTPUT = ("neutral", "tensor(uint8)")


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


class NeutralizerSession:
    """A fused graph (`image`, `strength` -> `neutral`) on the device that was asked for.

    `run` may be called from several threads at once.

    Attributes:
        provider: the first execution provider in use, for example "CPUExecutionProvider".
        placement: where each node ran in one profiled run; None where there was none.
        metadata: the graph's `custom_metadata_map`, JSON values parsed.
    """

    def __init__(
        self,
        model: bytes,
        name: str,
        options: RuntimeOptions,
        crowd: Crowd | None = None,
        profile_side: int = 256,
    ) -> None:
        """Build the session.

        Args:
            model: the ONNX file's bytes (already checked against the manifest).
            name: the model's name, for messages.
            options: how to run it.
            crowd: on the CPU, runs take one thread while it is not alone.
            profile_side: of the crop of the profiled run, in pixels.

        Raises:
            DeviceUnavailableError: `cuda` or `tensorrt` was asked for and did not come up, or
                leaves nodes that touch pixels to the CPU.
            ModelFileError: not a graph of the contract.
        """
        self._name = name
        self._providers = chosen_providers(
            options.device, options.gpu_memory_mb, options.engine_cache
        )
        with profile_folder(options.profile or self._providers != [CPU]) as folder:
            self._session = self._build(model, options, options.threads, folder)
            self.provider: str = self._session.get_providers()[0]
            self._check_device(options.device)
            self._check_contract()
            self.placement = self._placed(options, profile_side) if folder else None
        self.metadata = _parsed(dict(self._session.get_modelmeta().custom_metadata_map))
        self._by_load = None
        if self.provider == CPU:
            first = {options.threads: self._session}
            self._by_load = CrowdSession(
                lambda threads: first.get(threads) or self._build(model, options, threads),
                options.threads,
                crowd,
            )

    def _build(
        self, model: bytes, options: RuntimeOptions, threads: int, profile: Path | None = None
    ) -> Any:
        session_options = options.session_options(threads)
        if profile is not None:
            profiled(session_options, profile)
        try:
            return ort.InferenceSession(model, session_options, providers=self._providers)
        # ONNX Runtime raises a dozen unrelated types for graphs it cannot load.
        except Exception as error:
            raise ModelFileError(f"The model {self._name} cannot be loaded: {error}") from error

    def _check_device(self, device: Device) -> None:
        # ONNX Runtime falls back to the CPU in silence: only get_providers() tells.
        wanted = {"cuda": CUDA, "tensorrt": TENSORRT}.get(device)
        if wanted is not None and self.provider != wanted:
            raise DeviceUnavailableError(
                f"STOICNET_DEVICE={device}, but {wanted.removesuffix('ExecutionProvider')} did not "
                f"come up for the model {self._name} (running would be on {self.provider}). "
                f"{HELP[device]}"
            )
        if device == "auto" and self.provider != CUDA and cuda_driver_present():
            log.warning("an NVIDIA driver is present but CUDA did not come up. %s", HELP["cuda"])
        log.info("model %s runs on %s", self._name, self.provider)

    def _placed(self, options: RuntimeOptions, side: int) -> Placement | None:
        """What the profiled run says; it also is the first part of the warm-up."""
        if self.provider == CPU and not options.profile:
            self._session.end_profiling()
            return None
        placement = measured(self._session, side)
        log.info("nodes of the model %s: %s", self._name, placement)
        if self.provider != CPU:
            check_placement(placement, options.device, self._name)
        return placement

    def _check_contract(self) -> None:
        inputs = {value.name: value.type for value in self._session.get_inputs()}
        outputs = {value.name: value.type for value in self._session.get_outputs()}
        if inputs != _INPUTS or outputs != dict([_OUTPUT]):
            raise ModelFileError(
                f"The model {self._name} has inputs {inputs} and outputs {outputs}; "
                f"expected {_INPUTS} and {dict([_OUTPUT])}."
            )

    def run(self, image: NDArray[np.uint8], strength: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Neutralize a batch of aligned crops.

        Args:
            image: uint8 RGB [B, S, S, 3].
            strength: float32 [B] in [0, 1]; 0 leaves the expression, 1 removes it.

        Returns:
            uint8 RGB [B, S, S, 3].
        """
        if self._by_load is None:
            (neutral,) = self._run_bound(image, strength)
            return neutral
        inputs: dict[str, NDArray[Any]] = {"image": image, "strength": strength}
        return np.asarray(self._by_load.run(["neutral"], inputs)[0], np.uint8)

    def _run_bound(
        self, image: NDArray[np.uint8], strength: NDArray[np.float32]
    ) -> list[NDArray[np.uint8]]:
        """A run whose tensors are bound: each crosses to the device and back exactly once."""
        binding = self._session.io_binding()
        binding.bind_cpu_input("image", np.ascontiguousarray(image))
        binding.bind_cpu_input("strength", strength)
        binding.bind_output("neutral", "cpu")
        self._session.run_with_iobinding(binding)
        return list(binding.copy_outputs_to_cpu())


def _parsed(metadata: dict[str, str]) -> dict[str, Any]:
    """Metadata values that are JSON objects or lists, as such; the others as they are."""
    parsed: dict[str, Any] = {}
    for key, value in metadata.items():
        try:
            parsed[key] = json.loads(value) if value[:1] in "[{" else value
        except json.JSONDecodeError:
            parsed[key] = value
    return parsed
