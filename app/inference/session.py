"""A fused graph in a session, and the execution providers it really runs on."""

from __future__ import annotations

import json
import logging
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from app.errors import DeviceUnavailableError, ModelFileError
from app.inference.placement import (
    Placement,
    check_placement,
    measure_placement,
    profile_folder,
)
from app.inference.providers import (
    CPU,
    CUDA,
    HELP,
    TENSORRT,
    choose_providers,
    cuda_driver_present,
)
from app.inference.runtime import RuntimeOptions, build_session
from app.inference.threads import InFlight, LoadAwareSession
from app.settings import Device

log = logging.getLogger(__name__)

_INPUTS = {"image": "tensor(uint8)", "strength": "tensor(float)"}
_REGIONS = {"regions": "tensor(float)"}
"""A graph may have this input, too; left out, all regions change."""
_OUTPUT = ("neutral", "tensor(uint8)")


def run_bound(session: ort.InferenceSession, inputs: dict[str, NDArray[Any]]) -> NDArray[np.uint8]:
    """A run of a fused graph whose tensors cross to the device and back exactly once each."""
    binding = session.io_binding()
    for name, value in inputs.items():
        binding.bind_cpu_input(name, np.ascontiguousarray(value))
    binding.bind_output("neutral", "cpu")
    session.run_with_iobinding(binding)
    return np.asarray(binding.copy_outputs_to_cpu()[0], np.uint8)


class NeutralizerSession:
    """A fused graph (`image`, `strength`, perhaps `regions` -> `neutral`) on the device asked for.

    `run` may be called from several threads at once.

    Attributes:
        provider: the first execution provider in use, for example "CPUExecutionProvider".
        placement: where each node ran in one profiled run; None where there was none.
        metadata: the graph's `custom_metadata_map`, JSON values parsed.
        regions: the parts of the face that can be left as they are; empty if there is no choice.
    """

    def __init__(
        self,
        model: bytes,
        name: str,
        options: RuntimeOptions,
        in_flight: InFlight | None = None,
        profile_side: int = 256,
    ) -> None:
        """Build the session.

        Args:
            model: the ONNX file's bytes (already checked against the manifest).
            name: the model's name, for messages.
            options: how to run it.
            in_flight: on the CPU, runs take one thread while it is not alone.
            profile_side: of the crop of the profiled run, in pixels.

        Raises:
            DeviceUnavailableError: `cuda` or `tensorrt` was asked for and did not come up, or
                leaves nodes that touch pixels to the CPU.
            ModelFileError: not a graph of the contract.
        """
        self._name = name
        self._providers = choose_providers(
            options.device, options.gpu_memory_mb, options.engine_cache
        )
        with profile_folder(options.profile or self._providers != [CPU]) as folder:
            what = f"The model {name}"
            self._session = build_session(
                model, what, options, options.threads, self._providers, folder
            )
            self.provider: str = self._session.get_providers()[0]
            self._check_device(options.device)
            self._check_contract()
            self.placement = self._measure_placement(options, profile_side) if folder else None
        self.metadata = _parse(dict(self._session.get_modelmeta().custom_metadata_map))
        self.regions: tuple[str, ...] = tuple(self.metadata.get("regions", ()))
        self._by_load = None
        if self.provider == CPU:
            first = {options.threads: self._session}
            self._by_load = LoadAwareSession(
                lambda threads: first.get(threads) or build_session(model, what, options, threads),
                options.threads,
                in_flight,
            )

    def _check_device(self, device: Device) -> None:
        # ONNX Runtime silently falls back to the CPU: only get_providers() tells.
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

    def _measure_placement(self, options: RuntimeOptions, side: int) -> Placement | None:
        """What the profiled run says; it also is the first part of the warm-up."""
        if self.provider == CPU and not options.profile:
            self._session.end_profiling()
            return None
        placement = measure_placement(self._session, side)
        log.info("nodes of the model %s: %s", self._name, placement)
        if self.provider != CPU:
            check_placement(placement, options.device, self._name)
        return placement

    def _check_contract(self) -> None:
        inputs = {value.name: value.type for value in self._session.get_inputs()}
        optional = self._session.get_overridable_initializers()
        inputs |= {value.name: value.type for value in optional}
        outputs = {value.name: value.type for value in self._session.get_outputs()}
        if inputs not in (_INPUTS, _INPUTS | _REGIONS) or outputs != dict([_OUTPUT]):
            raise ModelFileError(
                f"The model {self._name} has inputs {inputs} and outputs {outputs}; "
                f"expected {_INPUTS} and {dict([_OUTPUT])}."
            )

    def run(
        self,
        image: NDArray[np.uint8],
        strength: NDArray[np.float32],
        regions: NDArray[np.float32] | None = None,
    ) -> NDArray[np.uint8]:
        """Neutralize a batch of aligned crops.

        Args:
            image: uint8 RGB [B, S, S, 3].
            strength: float32 [B] in [0, 1]; 0 leaves the expression, 1 removes it.
            regions: float32 [B, R] in [0, 1], in the order of `regions`; None is all of them.

        Returns:
            uint8 RGB [B, S, S, 3].
        """
        inputs: dict[str, NDArray[Any]] = {"image": image, "strength": strength}
        if regions is not None and self.regions:
            inputs["regions"] = regions
        if self._by_load is None:
            return run_bound(self._session, inputs)
        return np.asarray(self._by_load.run(["neutral"], inputs)[0], np.uint8)


def _parse(metadata: dict[str, str]) -> dict[str, Any]:
    """Metadata values that are JSON objects or lists, as such; the others as they are."""
    parsed: dict[str, Any] = {}
    for key, value in metadata.items():
        try:
            parsed[key] = json.loads(value) if value[:1] in "[{" else value
        except json.JSONDecodeError:
            parsed[key] = value
    return parsed
