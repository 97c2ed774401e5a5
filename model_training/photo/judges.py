"""What the meter says about `photo`'s outputs while it trains."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from model_training.photo.batches import PhotoBatches, PhotoShare, Window
from model_training.photo.expression_loss import ExpressionLoss
from model_training.photo.network import PhotoMaps, render
from model_training.photo.warm_start import load_meter

CALM_CROPS = 512
"""Real neutral faces from which the expression loss learns what calm is."""


def expression_judge(
    meter: Path | None, batches: PhotoBatches, device: torch.device
) -> ExpressionLoss | None:
    """The frozen network that says how expressive an output is, if one is given."""
    if meter is None:
        return None
    calm = batches.calm_crops(CALM_CROPS).to(device)
    return ExpressionLoss(load_meter(meter).to(device), calm)


def excess_of_wild(
    expression: ExpressionLoss, window: Window, share: PhotoShare, maps: PhotoMaps
) -> Tensor:
    """How far outputs on real expressive photographs exceed calm faces; `maps` are theirs."""
    moved = render(window.cut(share.wild), _moving_only(maps))
    excess: Tensor = expression(window.put_back(moved, share.wild))
    return excess


def error_of_pairs(
    expression: ExpressionLoss, window: Window, share: PhotoShare, maps: PhotoMaps
) -> Tensor:
    """How far readings of outputs on synthetic pairs are from the true neutral faces'.

    Only pairs of one person are asked about.
    """
    known = share.known
    if not len(known):
        return share.flow.new_zeros(())
    expressive = share.expressive[known]
    maps = PhotoMaps(*(part[known] for part in maps))
    moved = render(window.cut(expressive), _moving_only(maps))
    return expression.error(window.put_back(moved, expressive), share.neutral[known])


def _moving_only(maps: PhotoMaps) -> PhotoMaps:
    """The maps with a gradient through the flow alone, see `ExpressionLoss`."""
    return PhotoMaps(maps.flow, *(part.detach() for part in maps[1:]))
