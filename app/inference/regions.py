"""Which parts of the face a model can tell apart, asked before any work is begun."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from app.errors import IncompatibleOptionsError
from app.inference.registry import FUSED, checked_bytes, read_manifest
from app.inference.runtime import RuntimeOptions
from app.inference.session import NeutralizerSession


def check_regions(model: str, known: Collection[str], wanted: Collection[str]) -> None:
    """Refuse regions that a model does not know.

    Args:
        model: its name.
        known: the regions that it can tell apart.
        wanted: those that shall change; none names the whole face.

    Raises:
        IncompatibleOptionsError: some of `wanted` are not in `known`.
    """
    if missing := set(wanted) - set(known):
        raise IncompatibleOptionsError(
            f"The model {model} cannot tell {', '.join(sorted(missing))} from the rest of the "
            "face; leave regions out."
        )


def regions_of(models_dir: Path, model: str) -> tuple[str, ...]:
    """The regions that an installed model can tell apart, read from its graph.

    Raises:
        ModelFileError: its file is missing, differs, or is not a graph of the contract.
    """
    file = read_manifest(models_dir).models[model].files[FUSED]
    graph = checked_bytes(models_dir / model / FUSED, file.sha256)
    return NeutralizerSession(graph, model, RuntimeOptions("cpu", intra_op_threads=1)).regions
