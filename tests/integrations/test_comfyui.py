"""The node by ComfyUI's interface: loaded as ComfyUI loads it, run on a tensor of its shape."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from skimage import data

from stoicnet import Neutralizer, Options, StoicNetError
from tests.app.files import encode

FOLDER = Path(__file__).resolve().parents[2] / "integrations" / "comfyui"


@pytest.fixture(scope="module")
def nodes() -> Iterator[ModuleType]:
    """The folder under a name of ComfyUI's choosing."""
    name = "/ComfyUI/custom_nodes/stoicnet".replace(".", "_x_")
    spec = importlib.util.spec_from_file_location(name, FOLDER / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    yield module
    for loaded in [each for each in sys.modules if each.startswith(name)]:
        del sys.modules[loaded]


def test_the_node_says_what_comfyui_asks(nodes: ModuleType) -> None:
    assert nodes.NODE_CLASS_MAPPINGS.keys() == nodes.NODE_DISPLAY_NAME_MAPPINGS.keys()
    [node] = nodes.NODE_CLASS_MAPPINGS.values()
    assert node.RETURN_TYPES == ("IMAGE", "MASK")
    inputs = node.INPUT_TYPES()["required"]
    assert inputs["image"] == ("IMAGE",)
    kind, widget = inputs["strength"]
    assert (kind, widget["min"], widget["max"]) == ("FLOAT", 0, 1)
    faces, widget = inputs["faces"]
    assert widget["default"] in faces
    for choice in faces:
        assert Options(faces=choice).faces == choice
    assert callable(getattr(node, node.FUNCTION))


@pytest.mark.slow
def test_the_node_does_what_the_library_does(nodes: ModuleType, shipped: Neutralizer) -> None:
    [kind] = nodes.NODE_CLASS_MAPPINGS.values()
    astronaut = np.asarray(data.astronaut(), np.uint8)
    batch = torch.from_numpy(np.stack([astronaut, astronaut]).astype(np.float32) / 255)
    pictures, altered = kind().run(batch, 1.0, "largest", "cpu")
    assert (pictures.shape, pictures.dtype) == (batch.shape, torch.float32)
    assert (altered.shape, altered.dtype) == (batch.shape[:3], torch.float32)
    expected = shipped.neutralize(encode(astronaut), Options(faces="largest"))
    for picture, mask in zip(pictures, altered, strict=True):
        levels = np.rint(picture.numpy() * 255).astype(np.uint8)
        assert np.array_equal(levels, expected.image)
        assert np.array_equal(levels[mask.numpy() == 0], astronaut[mask.numpy() == 0])
    assert altered.max() == 1
    with pytest.raises(StoicNetError, match="No face"):
        kind().run(torch.zeros(1, 64, 64, 3), 1.0, "largest", "cpu")
