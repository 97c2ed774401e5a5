"""Before/after sheets: pictures to look at before believing a number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model_training.photo.network import window_of
from model_training.photo.sharp import render_sharp
from model_training.runs.atomic import atomic_path


def to_bytes(images: Tensor) -> NDArray[np.uint8]:
    """[B, 3, H, W] in [-1, 1] on any device -> uint8 RGB [B, H, W, 3]."""
    scaled = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return np.asarray(scaled.permute(0, 2, 3, 1).contiguous().cpu().numpy())


@torch.no_grad()
def photo_sheet(network: nn.Module, inputs: Tensor, file: Path, across: int = 4) -> None:
    """Input and output of each sample, `across` samples a row, as a PNG.

    Args:
        network: a `PhotoNet`, in evaluation mode.
        inputs: crops [B, 3, 256, 256] in [-1, 1].
        file: where to write.
        across: samples in a row.
    """
    inputs = window_of(inputs)
    maps = network(inputs)
    output = render_sharp(inputs, maps, torch.ones_like(maps.line))
    strips([inputs, output], file, across)


def strips(columns: Sequence[Tensor], file: Path, across: int) -> None:
    """Several pictures of each sample side by side, `across` samples a row, as a PNG.

    Args:
        columns: [B, 3, H, W] in [-1, 1] each.
        file: where to write.
        across: samples in a row; what does not fill a row is left out.
    """
    rows = np.concatenate([to_bytes(column) for column in columns], axis=2)
    lines = [
        np.concatenate(list(rows[start : start + across]), axis=1)
        for start in range(0, len(rows) - len(rows) % across, across)
    ]
    sheet = np.concatenate(lines)
    with atomic_path(file) as temporary:
        encoded = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))[1]
        temporary.write_bytes(encoded.tobytes())
