"""What the meter says about `photo`'s outputs while it trains.

Its gradient reaches the flows alone: light that may fool the meter draws smears instead of a calm
face.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from model_training.photo.batches import PhotoBatch, PhotoBatches
from model_training.photo.expression_loss import ExpressionLoss
from model_training.photo.network import PhotoMaps
from model_training.photo.render import render
from model_training.photo.warm_start import load_meter
from model_training.photo.windows import Window

CALM_CROPS = 512
"""Real neutral faces from which the expression loss learns what calm is."""


def expression_judge(
    meter: Path | None, batches: PhotoBatches, device: torch.device
) -> ExpressionLoss | None:
    """The meter on the device, told what calm is; None without a meter."""
    if meter is None:
        return None
    return ExpressionLoss(load_meter(meter).to(device), batches.calm_crops(CALM_CROPS).to(device))


def judged(
    expression: ExpressionLoss, window: Window, batch: PhotoBatch, maps: PhotoMaps
) -> tuple[Tensor, Tensor]:
    """How expressive outputs are.

    Args:
        expression: the meter as a judge.
        window: the part of the crops that the network saw.
        batch: the crops.
        maps: the network's answer, to pairs first and then to `wild`.

    Returns:
        Error of the pairs' readings against the true neutral faces', and excess of the others' over
        calm faces'.
    """
    crops = torch.cat([batch.expressive, batch.wild])
    moving = PhotoMaps(maps.upper, maps.lower, *(part.detach() for part in maps[2:]))
    output = window.put_back(render(window.cut(crops), moving), crops)
    paired = len(batch.neutral)
    return expression.error(output[:paired], batch.neutral), expression(output[paired:])
