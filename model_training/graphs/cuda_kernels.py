"""Which nodes of a graph the installed ONNX Runtime has no CUDA kernel for, without a GPU.

The CUDA provider of the installed wheel is loaded in a process of its own, with stand-ins for
NVIDIA's libraries, and asked by ONNX Runtime's own partitioner: operator, opset and data types
count as they do on a GPU. What that cannot tell: whether CUDA comes up on a machine, whether
a kernel is built for its GPU, what a provider decides by the GPU's properties (the stand-ins report
a GPU without any), and how fast it is. For that the service counts nodes at its start on a GPU
(`app/inference/placement.py`).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from model_training.graphs.cuda_standins import runtime_folder, write_standins

_PATIENCE_S = 300
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
# The second: it has a kernel, but not for the attributes of this node.
_NO_KERNEL = re.compile(
    r"CUDA kernel not (?:found in registries|supported\. Fallback to CPU execution provider) "
    r"for Op type: (\S+) node name: (.*)$"
)
_BY_CHOICE = re.compile(r"Force fallback to CPU execution for node: (.*?) because ")
_PLACED = re.compile(r"VerifyEachNodeIsAssignedToAnEp\]\s+(.*)$")
_PROVIDER = re.compile(r"odes?(?:\(s\))? placed on \[(\w+)\]\. Number of nodes: (\d+)")
_NODE = re.compile(r"(\S+) \((.*)\)$")
_CPU = "CPUExecutionProvider"


class KernelsUnknownError(Exception):
    """The installed ONNX Runtime cannot be asked here."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a graph.

    Attributes:
        operator: for example "GridSample".
        name: as in the graph.
    """

    operator: str
    name: str


@dataclass(frozen=True, slots=True)
class Partition:
    """How a graph would be divided between CUDA and the CPU.

    Attributes:
        nodes: of each execution provider, after constants are folded.
        without_kernel: nodes that have no CUDA kernel, or one that the provider cannot use.
    """

    nodes: dict[str, int]
    without_kernel: tuple[Node, ...]


def partition(graph: Path, capi: Path | None = None) -> Partition:
    """Ask the installed ONNX Runtime.

    Args:
        graph: an ONNX file.
        capi: folder of ONNX Runtime's libraries; None takes the installed one's.

    Raises:
        KernelsUnknownError: this ONNX Runtime has no CUDA provider, or it could not be asked.
    """
    with tempfile.TemporaryDirectory(prefix="stoicnet-standins-") as folder:
        try:
            found = write_standins(Path(folder), capi or runtime_folder())
        except OSError as error:
            raise KernelsUnknownError(
                f"The CUDA provider of onnxruntime-gpu for Linux is needed: {error}."
            ) from error
        done = subprocess.run(
            [sys.executable, "-m", "model_training.graphs.cuda_session", str(graph.resolve())],
            env=os.environ | found,
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
            check=False,
        )
    return read_log(done.stderr)


def read_log(log: str) -> Partition:
    """What ONNX Runtime's verbose log of a session with CUDA says.

    Raises:
        KernelsUnknownError: it does not come to the placement of nodes, or CUDA had no say in it.
    """
    lines = _COLOUR.sub("", log).splitlines()
    missing = [Node(*found.groups()) for line in lines if (found := _NO_KERNEL.search(line))]
    chosen = {found[1] for line in lines if (found := _BY_CHOICE.search(line))}
    nodes: dict[str, int] = {}
    provider = ""
    for text in (found[1] for line in lines if (found := _PLACED.search(line))):
        if found := _PROVIDER.search(text):
            provider = found[1]
            if provider in nodes:
                break  # a second session, of Python's fallback to the CPU
            nodes[provider] = int(found[2])
        # Neither by choice nor for a reason that we know of.
        elif provider == _CPU and (found := _NODE.search(text)) and found[2] not in chosen:
            missing.append(Node(*found.groups()))
    if not nodes or not (missing or "CUDAExecutionProvider" in nodes):
        tail = "\n".join(lines[-3:])
        raise KernelsUnknownError(f"ONNX Runtime did not say where it puts the nodes:\n{tail}")
    return Partition(nodes, tuple(dict.fromkeys(missing)))
