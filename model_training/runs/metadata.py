"""What an exported file says of itself, and nothing of the machine it was made on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx


def config_hash(settings: Mapping[str, Any]) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of a configuration."""
    text = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def describe(file: Path, metadata: Mapping[str, str]) -> None:
    """Replace an ONNX file's metadata, and check the graph.

    The exporter notes for every node which line of which file made it: paths of one machine, which
    are dropped.

    Args:
        file: rewritten in place; callers give it its final name afterwards.
        metadata: the model's `custom_metadata_map`.

    Raises:
        onnx.checker.ValidationError: the graph is not valid.
    """
    model = onnx.load(str(file))
    del model.metadata_props[:]
    graph = model.graph
    described = [graph, *graph.node, *graph.initializer, *graph.value_info]
    described += [*graph.input, *graph.output, *model.functions]
    described += [node for function in model.functions for node in function.node]
    for part in described:
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    onnx.save(model, str(file))
