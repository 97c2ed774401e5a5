"""Where the nodes of a graph really run, counted in one profiled run.

`InferenceSession.get_providers()` says which execution providers were registered. A node for which
the GPU's provider has no kernel runs on the CPU all the same, its tensors copied to and fro, and
only ONNX Runtime's profile tells.
"""

from __future__ import annotations

import json
import logging
import math
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from app.errors import DeviceUnavailableError, ModelFileError
from app.inference.providers import CPU
from app.settings import Device

log = logging.getLogger(__name__)

SMALL = 64
"""Elements that a tensor of shapes or scalars has at most.

A shape has one number a dimension, and shape arithmetic joins a few of them; the smallest row of
pixels, of a crop of 112, has more.
"""

_KERNEL = "_kernel_time"
_NAMED = 6
_COPIES = ("MemcpyFromHost", "MemcpyToHost")
# They are given pixels and read nothing but how many there are.
_READ_SHAPES = ("Shape", "Size")


@dataclass(frozen=True, slots=True)
class PlacedNode:
    """A node of the optimised graph.

    Attributes:
        name: as in the graph; ONNX Runtime's optimisers name those they make.
        operator: for example "GridSample".
        provider: the execution provider that ran it.
        elements: of the largest tensor that it read or wrote.
    """

    name: str
    operator: str
    provider: str
    elements: int

    @property
    def touches_pixels(self) -> bool:
        """It reads or writes the values of a tensor too large for shapes and scalars."""
        return self.elements > SMALL and self.operator not in _READ_SHAPES

    def __str__(self) -> str:
        return f"{self.operator} ({self.name})"


@dataclass(frozen=True, slots=True)
class Placement:
    """The nodes of one run, in the order in which they ran."""

    nodes: tuple[PlacedNode, ...]

    @property
    def by_provider(self) -> dict[str, int]:
        """Nodes of each execution provider, most first."""
        return dict(Counter(node.provider for node in self.nodes).most_common())

    @property
    def copies(self) -> int:
        """Nodes that only copy a tensor between the GPU's memory and the CPU's."""
        return sum(node.operator in _COPIES for node in self.nodes)

    @property
    def pixels_on_cpu(self) -> tuple[PlacedNode, ...]:
        """Nodes on the CPU that touch pixels; on a GPU there should be none.

        ONNX Runtime puts the arithmetic of shapes on the CPU deliberately: it is quicker there,
        and the GPU's kernels want shapes in the CPU's memory.
        """
        return tuple(node for node in self.nodes if node.provider == CPU and node.touches_pixels)

    def __str__(self) -> str:
        providers = (f"{count} on {name}" for name, count in self.by_provider.items())
        return f"{', '.join(providers)}; {self.copies} of them copies"

    @classmethod
    def of(cls, events: Iterable[Mapping[str, Any]]) -> Placement:
        """From the events of ONNX Runtime's profile; a node that ran several times counts once."""
        nodes: dict[tuple[str, str], PlacedNode] = {}
        for event in events:
            arguments = event.get("args", {})
            name = str(event.get("name", ""))
            if event.get("cat") != "Node" or not name.endswith(_KERNEL):
                continue
            node = PlacedNode(
                name=name.removesuffix(_KERNEL),
                operator=str(arguments["op_name"]),
                provider=str(arguments["provider"]),
                elements=max(
                    _elements(arguments.get("input_type_shape", ())),
                    _elements(arguments.get("output_type_shape", ())),
                ),
            )
            nodes[node.name, str(arguments.get("node_index", ""))] = node
        return cls(tuple(nodes.values()))


def _elements(tensors: Sequence[Mapping[str, Sequence[int]]]) -> int:
    """Of the largest of tensors given as {type: shape}."""
    return max((math.prod(shape) for tensor in tensors for shape in tensor.values()), default=0)


def check_placement(placement: Placement, device: Device, model: str) -> None:
    """Refuse, or with `auto` warn of, a GPU that leaves nodes that touch pixels to the CPU.

    Args:
        placement: of a run on the GPU.
        device: what was asked for.
        model: its name, for messages.

    Raises:
        DeviceUnavailableError: there are such nodes, and `cuda` or `tensorrt` was asked for.
    """
    left = placement.pixels_on_cpu
    if not left:
        return
    named = ", ".join(map(str, left[:_NAMED])) + (", ..." if len(left) > _NAMED else "")
    found = (
        f"{len(left)} of the {len(placement.nodes)} nodes of the model {model} touch pixels and "
        f"run on the CPU: {named}. ONNX Runtime {ort.__version__} has no kernel for them on the "
        "GPU, so that their tensors are copied there and back"
    )
    if device == "auto":
        log.warning("%s.", found)
        return
    raise DeviceUnavailableError(
        f"STOICNET_DEVICE={device}, but {found}. Install a newer onnxruntime-gpu, or set "
        "STOICNET_DEVICE=auto to run all the same."
    )


@contextmanager
def profile_folder(wanted: bool) -> Iterator[Path | None]:
    """A folder for the profile of one run, gone afterwards; None where none is wanted."""
    if not wanted:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="stoicnet-profile-") as folder:
        yield Path(folder)


def enable_profiling(options: ort.SessionOptions, folder: Path) -> None:
    """Let the session of these options write a profile, which `measure_placement` ends."""
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "run")


def measure_placement(session: ort.InferenceSession, side: int) -> Placement:
    """Run a fused graph once, on a grey crop, and end the session's profiling.

    Args:
        session: whose options went through `enable_profiling`; later runs of it are not profiled.
        side: of the crop, in pixels.

    Raises:
        ModelFileError: it could not be run, or the profile names no node.
    """
    crop = np.full((1, side, side, 3), 127, np.uint8)
    try:
        session.run(None, {"image": crop, "strength": np.ones(1, np.float32)})
    # ONNX Runtime raises a dozen unrelated types.
    except Exception as error:
        session.end_profiling()
        raise ModelFileError(f"A first run, of a crop of {side} pixels, failed: {error}") from error
    placement = Placement.of(json.loads(Path(session.end_profiling()).read_bytes()))
    if not placement.nodes:
        raise ModelFileError("The profile of a first run names no node.")
    return placement
