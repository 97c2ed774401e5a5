"""Pictures of what `classic` does to validation faces."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from model_training.classic.networks import ClassicNet, Neutralizer
from model_training.classic.networks.exported import ExportedClassic
from model_training.classic.networks.pixels import to_image
from model_training.runs.atomic import atomic_path


def write_sheet(rows: list[Tensor], file: Path) -> None:
    """Write rows of images as one PNG, the first row on top.

    Args:
        rows: float [N, C, S, S] in [-1, 1] each, with the same N.
        file: where; written atomically.
    """
    lines = [np.concatenate(list(to_image(row).cpu().numpy()), axis=1) for row in rows]
    sheet = np.concatenate(lines)
    with atomic_path(file) as temporary:
        encoded = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))[1]
        temporary.write_bytes(encoded.tobytes())


@torch.no_grad()
def reconstruction_sheet(net: ClassicNet, images: Tensor, file: Path) -> None:
    """Rows: input, decoded, enhanced, sharpened; [N, C, S, S] in [-1, 1]."""
    was_training = net.training
    net.eval()
    decoded, enhanced = net.reconstruct(images)
    net.train(was_training)
    write_sheet([images, decoded, enhanced, net.sharpen(enhanced)], file)


@torch.no_grad()
def neutralization_sheet(
    net: ClassicNet | ExportedClassic,
    neutralizers: dict[str, Neutralizer],
    source: Tensor,
    target: Tensor,
    file: Path,
) -> None:
    """Rows: source, its reconstruction, each neutralizer's result, the true target.

    Args:
        net: the networks.
        neutralizers: by name; their rows come in this order.
        source: [N, C, S, S] in [-1, 1].
        target: [N, C, S, S] in [-1, 1], the same people neutral.
        file: where.
    """
    net.eval()
    mu, _ = net.encoder(source)
    latents = [mu, *(neutralizer(mu) for neutralizer in neutralizers.values())]
    shown = [net.sharpen(net.enhancer(net.decoder(latent))) for latent in latents]
    write_sheet([source, *shown, target], file)
