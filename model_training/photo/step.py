"""One step of `photo`."""

from __future__ import annotations

import torch
from torch import Tensor

from model_training.photo.batches import PhotoBatch
from model_training.photo.config import PhotoTrainingConfig
from model_training.photo.expression_loss import ExpressionLoss
from model_training.photo.judges import judged
from model_training.photo.losses import (
    agreement,
    crease_error,
    displacement,
    line_error,
    lips_meet,
    opening_error,
    region_weights,
    roughness,
    stillness,
    tucked,
)
from model_training.photo.network import PhotoMaps, PhotoNet
from model_training.photo.windows import Window
from model_training.runs.averages import AveragedParts
from model_training.runs.compute import Compute
from model_training.runs.distributed import ALONE, Workers
from model_training.runs.schedules import WarmCosine


class PhotoParts(AveragedParts[PhotoNet]):
    """What a run of `photo` trains."""

    def __init__(self, config: PhotoTrainingConfig, compute: Compute) -> None:
        super().__init__(PhotoNet(config.network), config.learning_rate, compute)


class PhotoStep:
    """Does steps; all that they make is on the device of `compute`, and nothing is read back.

    Args:
        config: the run.
        parts: what is trained.
        expression: the meter as a judge, on the device, if there is one.
        compute: device and precision.
        workers: the processes that share each batch.
    """

    def __init__(
        self,
        config: PhotoTrainingConfig,
        parts: PhotoParts,
        expression: ExpressionLoss | None,
        compute: Compute,
        workers: Workers = ALONE,
    ) -> None:
        self.config, self.parts, self.expression = config, parts, expression
        self.compute = compute
        self.rate = WarmCosine(config.learning_rate, config.steps, warm_up=100, floor=0.03)
        self.learner = workers.parallel(parts.network)
        self.regions = region_weights(compute.device)

    def __call__(self, step: int, window: Window, batch: PhotoBatch) -> dict[str, Tensor]:
        """Do step 0, 1, ...

        Args:
            step: which.
            window: the part of the crops that is looked at.
            batch: this worker's rows of the batch, on the device.

        Returns:
            Scalars to log, on the device.
        """
        self.rate.set(self.parts.optimizer, step)
        inputs = torch.cat([window.cut(batch.expressive), window.cut(batch.wild)])
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        with self.compute.autocast():
            maps = self.learner(inputs)
        loss, values = self._geometry(window, batch, maps)
        into = step - self.config.judged_from
        if into >= 0:
            ramp = min(1.0, into / max(1, self.config.judged_ramp))
            more, readings = self._judgement(window, batch, maps)
            loss, values = loss + ramp * more, values | readings
        self.parts.learn(loss)
        return values

    def _geometry(
        self, window: Window, batch: PhotoBatch, maps: PhotoMaps
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """What is known: motion and both lines of pairs, the opening of all; and what is guessed of
        the others' motion and line."""
        weights, paired = self.config.weights, len(batch.neutral)
        neutral, expressive = window.cut(batch.neutral), window.cut(batch.expressive)
        regions, line, aside = (
            window.cut(part) for part in (self.regions, batch.line, batch.aside)
        )
        opening, flow = window.cut(batch.opening), window.cut(batch.flow)
        counts = flow.new_ones(len(flow), 1, 1, 1)
        counts[paired:] = weights.guessed
        true = tucked(torch.cat([flow[:, :2], flow[:, 2:] * counts], 1), line, opening)
        sure = true[:, 2:].amax((1, 2, 3), keepdim=True)
        misplaced = displacement(maps, true, line, aside, regions)
        off_line = line_error(maps.line, line, aside, sure)
        unseen = opening_error(maps.opening, opening)
        known = PhotoMaps(*(part[:paired] for part in maps))
        true, line_known, aside_known = true[:paired], line[:paired], aside[:paired]
        uncreased = crease_error(known, neutral, expressive, true, line_known, aside_known)
        loss = (
            weights.displacement * misplaced
            + weights.line * off_line
            + weights.opening * unseen
            + weights.crease * uncreased
            + weights.agreement * agreement(maps, aside)
            + weights.stillness * stillness(known, true)
            + weights.smooth * roughness(maps)
        )
        return loss, {
            "displacement": misplaced.detach(),
            "line": off_line.detach(),
            "opening": unseen.detach(),
            "crease": uncreased.detach(),
        }

    def _judgement(
        self, window: Window, batch: PhotoBatch, maps: PhotoMaps
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """What is asked of outputs: real photographs' lips that meet, and what the meter reads."""
        weights, paired = self.config.weights, len(batch.neutral)
        unknown = PhotoMaps(*(part[paired:] for part in maps))
        apart = lips_meet(unknown, window.cut(batch.lips), window.cut(batch.aside[paired:]))
        loss, values = weights.lips * apart, {"lips": apart.detach()}
        if self.expression is not None:
            with self.compute.autocast():
                misread, excess = judged(self.expression, window, batch, maps)
            loss = loss + weights.pair_expression * misread + weights.expression * excess
            values |= {"misread": misread.detach(), "expression": excess.detach()}
        return loss, values
