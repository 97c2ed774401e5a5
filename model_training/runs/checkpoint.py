"""Checkpoints that survive being killed while written, and that resume a run exactly.

A checkpoint is one file, written under a temporary name and renamed, so that a reader sees either
the previous one or the new one. It holds tensors and plain Python values only, and is read with
`weights_only=True`: opening a checkpoint from elsewhere runs no code. Its tensors are the CPU's,
whatever device the run was on, so that a run may go on on another.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import torch

from model_training.errors import InputError
from model_training.runs.atomic import atomic_path

__all__ = [
    "CheckpointError",
    "atomic_path",
    "capture_rng",
    "load_checkpoint",
    "restore",
    "restore_rng",
    "save_checkpoint",
]

FORMAT = 1


class CheckpointError(InputError):
    """The file is not a checkpoint of this format, or does not fit the objects given."""


def save_checkpoint(path: Path | str, **objects: Any) -> None:
    """Write `objects` to `path`, atomically.

    Args:
        path: file to write; its folder is made.
        objects: anything with `state_dict()` (networks, optimizers, schedules, scalers) is stored
            as that; tensors, numbers, strings, lists and dicts of those are stored as they are.
    """
    content = {
        name: _on_cpu(value.state_dict() if hasattr(value, "state_dict") else value)
        for name, value in objects.items()
    }
    with atomic_path(path) as temporary:
        torch.save({"format": FORMAT, "objects": content}, temporary)


def _on_cpu(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.cpu()
    if isinstance(value, dict):
        moved = type(value)((key, _on_cpu(part)) for key, part in value.items())
        if hasattr(value, "_metadata"):  # versions of layers, beside a network's weights
            moved._metadata = value._metadata  # type: ignore[attr-defined]
        return moved
    if type(value) in (list, tuple):
        return type(value)(_on_cpu(part) for part in value)
    return value


def load_checkpoint(path: Path | str) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote: name -> state dict or value.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: the file was not written by `save_checkpoint`.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # torch raises many kinds for a truncated or foreign file
        raise CheckpointError(f"{path} is not a readable checkpoint: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not a checkpoint of format {FORMAT}")
    return dict(content["objects"])


def restore(checkpoint: dict[str, Any], **objects: Any) -> None:
    """Load each object's state from the checkpoint entry of the same name.

    Raises:
        CheckpointError: an entry is missing or does not fit.
    """
    for name, target in objects.items():
        if name not in checkpoint:
            raise CheckpointError(f"the checkpoint has no {name!r}; it has {sorted(checkpoint)}")
        try:
            target.load_state_dict(checkpoint[name])
        except (RuntimeError, ValueError, KeyError) as error:
            raise CheckpointError(f"{name!r} in the checkpoint does not fit: {error}") from error


def capture_rng(*generators: np.random.Generator | torch.Generator) -> dict[str, Any]:
    """The state of every source of randomness, storable by `save_checkpoint`.

    Args:
        generators: the run's own generators (data order, sampling), in a fixed order; Python's,
            NumPy's and torch's global ones are always included, with that of this process's GPU
            if it uses one.
    """
    kind, keys, position, has_gauss, cached = np.random.get_state(legacy=True)  # noqa: NPY002
    return {
        "python": random.getstate(),
        "numpy": (str(kind), [int(k) for k in keys], int(position), int(has_gauss), float(cached)),
        "torch": torch.get_rng_state(),
        "cuda": [torch.cuda.get_rng_state()] if torch.cuda.is_initialized() else [],
        "own": [
            g.get_state() if isinstance(g, torch.Generator) else g.bit_generator.state
            for g in generators
        ],
    }


def restore_rng(state: dict[str, Any], *generators: np.random.Generator | torch.Generator) -> None:
    """Put back what `capture_rng` took; `generators` in the same order as there.

    Workers draw the same numbers, so each sets its own GPU to the state of the one that saved. A
    run that moves from the CPU to a GPU, or back, draws other noise from there on.

    Raises:
        CheckpointError: the number of generators differs.
    """
    own = state["own"]
    if len(own) != len(generators):
        raise CheckpointError(f"{len(own)} generators were saved, {len(generators)} given")
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    kind, keys, position, has_gauss, cached = state["numpy"]
    words = np.array(keys, np.uint32)
    np.random.set_state((kind, words, position, has_gauss, cached))  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_initialized():
        torch.cuda.set_rng_state(state["cuda"][0])
    for generator, saved in zip(generators, own, strict=True):
        if isinstance(generator, torch.Generator):
            generator.set_state(saved)
        else:
            generator.bit_generator.state = saved
