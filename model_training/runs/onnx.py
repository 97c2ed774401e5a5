"""From torch to ONNX, for every model: exported, compared with torch, and only then named.

    photo     network.onnx, eyes.onnx, fused.onnx
    classic   encoder.onnx, neutralizer.onnx, decoder.onnx, enhancer.onnx, fused.onnx
    meter     meter.onnx

The batch is dynamic in all of them. What a file computes is run in ONNX Runtime on the CPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import Tensor, nn

from model_training.errors import InputError
from model_training.runs.atomic import atomic_path
from model_training.runs.compact import store_in_half
from model_training.runs.metadata import describe

OPSET = 20
LARGEST_BATCH = 256
LEVELS = 1.0
"""Grey levels that an output in uint8 may be off: a value between two may round either way."""
FLIPPED = 2e-5
"""Share of an output in uint8 that may be off by more: where two layers meet, the last bit decides
which of them a pixel is taken from."""
SHARE, SHARE_IN_HALF = 2e-4, 2e-3
"""What a float may be off, as a share of its output's range, and with weights in 16 bits."""


class ExportError(InputError):
    """An exported graph does not compute what torch computes."""


@dataclass(frozen=True)
class Example:
    """What a graph is traced with, and compared on.

    Attributes:
        inputs: in the order of the module's arguments, each with a batch of two (a batch of one
            would be taken for a constant). Give tensors of their own: of one given twice, the
            exporter would read both inputs from the first.
        outputs: their names.
        sizes: for inputs with further dynamic axes: axis -> dimension.
        others: inputs of other sizes to compare on.
        defaults: inputs that may be left out, and what they are then; a batch of one, that serves
            for any.
    """

    inputs: Mapping[str, Tensor]
    outputs: Sequence[str]
    sizes: Mapping[str, Mapping[int, object]] = field(default_factory=dict)
    others: Sequence[tuple[Tensor, ...]] = ()
    defaults: Mapping[str, Tensor] = field(default_factory=dict)

    def batches(self) -> list[tuple[Tensor, ...]]:
        """Batches of 2, 1 and 4, and the others."""
        two = tuple(self.inputs.values())
        one = tuple(part[:1] for part in two)
        four = tuple(torch.cat([part, part.flip(0)]) for part in two)
        return [two, one, four, *self.others]


def pictures(batch: int, side: int, seed: int = 0) -> Tensor:
    """Random squares, 32 across, uint8 [B, S, S, 3]: as soft as a photograph at any size."""
    squares = np.random.default_rng(seed).integers(0, 256, (batch, 32, 32, 3), dtype=np.uint8)
    return torch.from_numpy(squares.repeat(side // 32, 1).repeat(side // 32, 2))


def write_onnx(
    module: nn.Module,
    example: Example,
    file: Path,
    metadata: Mapping[str, str],
    *,
    half: bool = False,
) -> Path:
    """Export a module, compare it with torch, and give the file its name.

    Args:
        module: put into evaluation mode.
        example: its inputs and outputs.
        file: written atomically.
        metadata: stored in the file.
        half: store large weights in 16 bits.

    Raises:
        ExportError: ONNX Runtime's output differs from torch's; there is no file then, or the one
            before.
    """
    module.eval()
    batch = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
    axes = tuple({0: batch, **example.sizes.get(name, {})} for name in example.inputs)
    with atomic_path(file) as temporary:
        torch.onnx.export(
            module,
            tuple(example.inputs.values()),
            str(temporary),
            input_names=list(example.inputs),
            output_names=list(example.outputs),
            dynamic_shapes=axes,
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        if half:
            store_in_half(temporary)
        _make_optional(temporary, example.defaults)
        describe(temporary, metadata)
        compare_with_torch(module, example, temporary, SHARE_IN_HALF if half else SHARE)
    return file


def _make_optional(file: Path, defaults: Mapping[str, Tensor]) -> None:
    """Give inputs of a graph a value for when they are left out (ONNX IR 4).

    The default has a batch of one and is repeated to the first input's batch inside the graph:
    the exporter may take the batch's size from any input.
    """
    model = onnx.load(str(file))
    graph, first = model.graph, model.graph.input[0].name
    for entry in graph.input if defaults else ():
        if entry.name not in defaults:
            continue
        name, value = entry.name, defaults[entry.name].numpy()
        for node in graph.node:
            node.input[:] = [f"{name}_each" if used == name else used for used in node.input]
        rest = np.array(value.shape[1:], np.int64)
        repeat = [
            helper.make_node("Shape", [first], [f"{name}_batch"], start=0, end=1),
            helper.make_node(
                "Concat", [f"{name}_batch", f"{name}_rest"], [f"{name}_shape"], axis=0
            ),
            helper.make_node("Expand", [name, f"{name}_shape"], [f"{name}_each"]),
        ]
        for place, node in enumerate(repeat):
            graph.node.insert(place, node)
        graph.initializer.append(numpy_helper.from_array(value, name))
        graph.initializer.append(numpy_helper.from_array(rest, f"{name}_rest"))
        entry.type.tensor_type.shape.dim[0].dim_param = f"{name}_count"
    onnx.save(model, str(file))


def compare_with_torch(module: nn.Module, example: Example, file: Path, share: float) -> float:
    """Largest difference between a file in ONNX Runtime and its module.

    Args:
        module: in evaluation mode, on the CPU.
        example: its inputs.
        file: the graph.
        share: of an output's range (of 1, if that is less) that floats may differ by.

    Raises:
        ExportError: they differ by more, or in shape or type.
    """
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    worst = 0.0
    for tensors, feed in _runs(example):
        with torch.no_grad():
            wanted = module(*tensors)
        wanted = (wanted,) if isinstance(wanted, Tensor) else wanted
        for name, ours, theirs in zip(
            example.outputs, session.run(list(example.outputs), feed), wanted, strict=True
        ):
            worst = max(worst, _gap(f"{file.name}, {name}", ours, theirs.numpy(), share))
    return worst


def _runs(example: Example) -> Iterator[tuple[tuple[Tensor, ...], dict[str, NDArray[Any]]]]:
    """What torch is given and what the file is: with and without what may be left out."""
    names = list(example.inputs)
    for tensors in example.batches():
        feed = {name: part.numpy() for name, part in zip(names, tensors, strict=True)}
        yield tensors, feed
        if example.defaults:
            count = len(tensors[0])
            usual = tuple(
                example.defaults[name].expand(count, *part.shape[1:])
                if name in example.defaults
                else part
                for name, part in zip(names, tensors, strict=True)
            )
            yield usual, {k: part for k, part in feed.items() if k not in example.defaults}


def _gap(what: str, ours: NDArray[np.generic], theirs: NDArray[np.generic], share: float) -> float:
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        raise ExportError(f"{what}: {ours.shape} {ours.dtype}, torch has {theirs.shape}")
    found, wanted = ours.astype(np.float64), theirs.astype(np.float64)
    off = np.abs(found - wanted)
    if ours.dtype == np.uint8:
        gap, allowed = float(np.quantile(off, 1 - FLIPPED, method="lower")), LEVELS
    else:
        gap, allowed = float(off.max()), share * max(1.0, float(np.ptp(wanted)))
    # Not `gap > allowed`: that is false of a gap that is not a number.
    if not gap <= allowed:
        raise ExportError(f"{what} differs from torch by {gap:.3g}, allowed {allowed:.3g}")
    return gap
