"""The networks of `onnx_models/classic` as modules: frozen, computed by ONNX Runtime.

The third stage leaves encoder, decoder and enhancer alone, so the exported files are all it needs:
another neutralizer can be fitted without training the rest again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from model_training.classic.config import ClassicConfig
from model_training.classic.networks.vae import Neutralizer


class ExportedNetwork(nn.Module):
    """One ONNX file; no gradient passes through it."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0]
        self.outputs = self.session.get_outputs()

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The first output, or all of them if there are several."""
        found = self.session.run(None, {self.input.name: x.detach().float().cpu().numpy()})
        tensors = tuple(torch.from_numpy(np.asarray(value)) for value in found)
        return tensors if len(tensors) > 1 else tensors[0]


class ExportedClassic(nn.Module):
    """What stage 3 and its sheets need of `ClassicNet`, from `encoder.onnx` and its siblings."""

    def __init__(self, folder: Path) -> None:
        """Open the files of a model folder.

        Raises:
            FileNotFoundError: one of them is not there.
        """
        super().__init__()
        files = {name: folder / f"{name}.onnx" for name in ("encoder", "decoder", "enhancer")}
        for file in files.values():
            if not file.is_file():
                raise FileNotFoundError(
                    f"{folder} is no exported `classic`: {file.name} is missing"
                )
        self.encoder = ExportedNetwork(files["encoder"])
        self.decoder = ExportedNetwork(files["decoder"])
        self.enhancer = ExportedNetwork(files["enhancer"])
        # The sharpening filter is a part of the fused graph alone.
        self.sharpen = nn.Identity()
        _, channels, side, _ = self.encoder.input.shape
        latent = self.encoder.outputs[0].shape[1]
        self.config = ClassicConfig(image_size=side, channels=channels, latent=latent)


def put_neutralizer(fused: Path, neutralizer: Neutralizer, out: Path, name: str) -> str:
    """Write `fused.onnx` with another neutralizer in it.

    Args:
        fused: an exported graph of `classic`.
        neutralizer: for latents of the same length.
        out: the file to write.
        name: of the transformation; becomes a part of the version.

    Returns:
        The version written into the file, as in `1.0.0+glasses`.

    Raises:
        ValueError: the graph has no neutralizer of this size.
    """
    model = onnx.load(str(fused))
    wanted = {
        "network.neutralizer.dense.weight": neutralizer.dense.weight,
        "network.neutralizer.dense.bias": neutralizer.dense.bias,
    }
    for constant in model.graph.initializer:
        place = constant.name.removesuffix("_half")
        if place not in wanted:
            continue
        old = numpy_helper.to_array(constant)
        new = wanted.pop(place).detach().numpy().astype(old.dtype)
        if new.shape != old.shape:
            raise ValueError(f"{fused} takes a neutralizer of {old.shape}, not {new.shape}")
        constant.CopyFrom(numpy_helper.from_array(new, constant.name))
    if wanted:
        raise ValueError(f"{fused} holds no {', '.join(wanted)}")
    version = ""
    for entry in model.metadata_props:
        if entry.key == "version":
            version = entry.value = f"{entry.value}+{name}"
    onnx.save(model, str(out))
    return version
