"""What the meter says about `photo`'s outputs while it trains."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from model_training.data.photo_batches import PhotoBatch, PhotoBatches, Window
from model_training.losses.expression import ExpressionLoss
from model_training.networks.photo import PhotoMaps, render
from model_training.networks.warm_start import load_meter

CALM_CROPS = 512
"""Real neutral faces from which the expression loss learns what calm is."""


def expression_judge(meter: Path | None, batches: PhotoBatches) -> ExpressionLoss | None:
    """The frozen network that says how expressive an output is, if one is given."""
    if meter is None:
        return None
    return ExpressionLoss(load_meter(meter), batches.calm_crops(CALM_CROPS))


def excess_of_wild(
    expression: ExpressionLoss, window: Window, batch: PhotoBatch, maps: PhotoMaps
) -> Tensor:
    """How far outputs on real expressive photographs exceed calm faces; `maps` are theirs."""
    moved = render(window.cut(batch.wild), _moving_only(maps))
    return expression(window.put_back(moved, batch.wild))


def error_of_pairs(
    expression: ExpressionLoss, window: Window, batch: PhotoBatch, maps: PhotoMaps
) -> Tensor:
    """How far readings of outputs on synthetic pairs are from the true neutral faces'.

    Pairs whose members' flow is known are those of one person.
    """
    known = batch.flow[:, 2].amax((1, 2)) > 0
    if not known.any():
        return batch.flow.new_zeros(())
    expressive = batch.expressive[known]
    maps = PhotoMaps(*(part[known] for part in maps))
    moved = render(window.cut(expressive), _moving_only(maps))
    return expression.error(window.put_back(moved, expressive), batch.neutral[known])


def _moving_only(maps: PhotoMaps) -> PhotoMaps:
    """The maps with a gradient through the flow alone, see `ExpressionLoss`."""
    return PhotoMaps(maps.flow, *(part.detach() for part in maps[1:]))
