"""Where a training computes, and in which precision: decided here, once, for every stage.

A GPU is taken if torch finds one. A processor without instructions for bfloat16 puts it together
from float32 operations, many times slower. Where it has them bfloat16 is usually faster, but not
always, so that a small network is trained in both for about two seconds. What a run was begun with
is kept in its folder: started again on the same machine it goes on in that, so that it ends with
the weights of a run that was never interrupted.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, cast, get_args

import torch
from torch import Tensor, nn

from model_training.runs.atomic import write_json
from model_training.runs.distributed import ALONE, Workers

Precision = Literal["bfloat16", "float32"]
Parts = TypeVar("Parts", bound=tuple[Tensor, ...])

RECORD = "compute.json"
"""In the folder of a run: device, precision, machine and reason."""
MEASURED_SECONDS = 2.0
GAIN = 1.05
"""How many times as fast bfloat16 has to be; what is nearer is a tie, and float32 wins those."""
_INSTRUCTIONS = ("avx512_f", "amx_bf16", "avx_ne_convert", "avx10_1", "bf16", "sve_bf16")
"""Capabilities of a processor (`torch.cpu`) without any of which bfloat16 is emulated."""


@dataclass(frozen=True)
class Compute:
    """A device and a precision.

    Attributes:
        device: where networks, batches and whatever a step makes are.
        precision: `bfloat16` is autocast, with float32 weights and losses.
        why: the reason, for the log.
    """

    device: torch.device = torch.device("cpu")  # noqa: RUF009 - immutable
    precision: Precision = "float32"
    why: str = "the default"

    def __str__(self) -> str:
        return f"computing in {self.precision} on {self.device}: {self.why}"

    def autocast(self) -> AbstractContextManager[Any]:
        """What a network's forward pass runs in."""
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def place(self, module: nn.Module) -> nn.Module:
        """The module itself, on the device, its convolutions' weights channels last."""
        return module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def pinned(self, batch: Parts) -> Parts:
        """The tensors of a batch in memory that a GPU can copy from while it computes."""
        if self.device.type != "cuda":
            return batch
        return _same_kind(batch, Tensor.pin_memory)

    def send(self, batch: Parts) -> Parts:
        """The tensors of a batch on the device; nothing waits for the copies of pinned ones."""
        return _same_kind(batch, lambda part: part.to(self.device, non_blocking=True))


ON_CPU = Compute()
"""float32 on the CPU."""


class Timing(NamedTuple):
    """Seconds of the fastest step of the same small network: other work on a machine only adds."""

    bfloat16: float
    float32: float

    @property
    def precision(self) -> Precision:
        """The faster one; float32 if they are about as fast."""
        return "bfloat16" if self.bfloat16 * GAIN <= self.float32 else "float32"

    def __str__(self) -> str:
        low, full = 1e3 * self.bfloat16, 1e3 * self.float32
        return f"a small network's step takes {low:.3g} ms in bfloat16, {full:.3g} ms in float32"


def choose(
    device: str = "auto",
    precision: str = "auto",
    *,
    folder: Path | None = None,
    workers: Workers = ALONE,
) -> Compute:
    """Decide for this process; workers that train together decide alike.

    Args:
        device: `auto`, `cpu` or `cuda`; the latter is the worker's own.
        precision: `auto`, `bfloat16` or `float32`.
        folder: of the run; its record is read, and written by the main worker.
        workers: the processes that train together.

    Raises:
        ValueError: an unknown name, or a GPU is asked for and not there.
    """
    if precision not in ("auto", *get_args(Precision)):
        raise ValueError(f"no precision {precision!r}: auto, bfloat16 or float32")
    place = find_device(device)
    machine = machine_of(place)
    record = _read(folder)
    if precision != "auto":
        chosen = Compute(place, cast(Precision, precision), "asked for")
    elif record.get("machine") == machine and record.get("precision") in get_args(Precision):
        chosen = Compute(place, record["precision"], "as this run was begun on this machine")
    elif not has_bfloat16(place):
        chosen = Compute(place, "float32", f"{machine} has no instructions for bfloat16")
    else:
        timing = measure(place)
        chosen = Compute(place, timing.precision, str(timing))
    agreed = workers.mean({"bfloat16": float(chosen.precision == "bfloat16")})["bfloat16"]
    if 0 < agreed < 1:
        chosen = Compute(place, "float32", f"workers differ ({chosen.why})")
    before = record.get("precision"), record.get("machine")
    if record and before != (chosen.precision, machine):
        changed = f"{chosen.why}; so far the run computed in {before[0]} on {before[1]}"
        chosen = replace(chosen, why=changed)
    if folder is not None and workers.main and before != (chosen.precision, machine):
        kept = {"device": place.type, "precision": chosen.precision, "machine": machine}
        write_json({**kept, "why": chosen.why}, folder / RECORD)
    return chosen


def find_device(name: str) -> torch.device:
    """The device of that name; of GPUs, the one that belongs to this worker on its machine.

    Raises:
        ValueError: an unknown name, no GPU, or fewer GPUs than workers.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"no device {name!r}: auto, cpu or cuda")
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ValueError("this torch finds no CUDA device")
    index, count = int(os.environ.get("LOCAL_RANK", 0)), torch.cuda.device_count()
    if index >= count:
        raise ValueError(f"worker {index} of this machine has no GPU; it has {count}")
    torch.cuda.set_device(index)
    return torch.device("cuda", index)


def machine_of(device: torch.device) -> str:
    """A name for what computes on `device`: machines of one name choose alike."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    found = torch.cpu.get_capabilities()
    name = found.get("cpu_name") or found["architecture"]
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}"


def has_bfloat16(device: torch.device, found: Mapping[str, Any] | None = None) -> bool:
    """Does the device compute bfloat16 itself?

    Args:
        device: in question.
        found: a processor's capabilities; by default this one's.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities() if found is None else found
    return any(capabilities.get(name) for name in _INSTRUCTIONS)


def measure(device: torch.device, seconds: float = MEASURED_SECONDS) -> Timing:
    """Train a small convolutional network in both precisions by turns.

    On a CPU in one thread, and by the time that this thread gets: several would wait for each other
    whenever other work takes a core from one of them, and that would be most of what is measured.
    """
    width = 32
    # A GPU wants more at a time: otherwise it is the launches that are measured.
    images = 2 if device.type == "cpu" else 256
    with torch.random.fork_rng(devices=[]):
        network: nn.Module = nn.Sequential(
            *(nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.LeakyReLU(0.1)),
            nn.Conv2d(width, width, 3, padding=1),
        )
        x = torch.rand(images, width, 64, 64)
    ways = {name: Compute(device, name) for name in get_args(Precision)}
    network = Compute(device).place(network)
    x = x.to(device, memory_format=torch.channels_last)
    spent: dict[str, list[float]] = {name: [] for name in ways}
    threads, end = torch.get_num_threads(), time.monotonic() + seconds
    torch.set_num_threads(1)
    try:
        while len(spent["float32"]) < 4 or time.monotonic() < end:
            for name, way in ways.items():
                spent[name].append(_step_seconds(network, x, way))
    finally:
        torch.set_num_threads(threads)
    return Timing(*(min(spent[name]) for name in Timing._fields))


def _step_seconds(network: nn.Module, x: Tensor, way: Compute) -> float:
    cuda = way.device.type == "cuda"
    clock = time.perf_counter if cuda else time.thread_time
    start = clock()
    network.zero_grad()
    with way.autocast():
        loss = network(x).float().square().mean()
    loss.backward()
    if cuda:
        torch.cuda.synchronize(way.device)
    return clock() - start


def _same_kind(batch: Parts, change: Callable[[Tensor], Tensor]) -> Parts:
    parts = [change(part) for part in batch]
    kind: Any = type(batch)
    return cast(Parts, kind(*parts) if hasattr(batch, "_fields") else kind(parts))


def _read(folder: Path | None) -> dict[str, Any]:
    """The record of a run; empty if there is none that can be read."""
    if folder is None:
        return {}
    try:
        found = json.loads((folder / RECORD).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
