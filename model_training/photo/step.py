"""One step of `photo`: the network, then its critic."""

from __future__ import annotations

import torch
from torch import Tensor

from model_training.photo.adversarial import AdversarialParts
from model_training.photo.batches import PhotoShare, Window
from model_training.photo.config import PhotoTraining
from model_training.photo.critic import PatchDiscriminator
from model_training.photo.expression_loss import ExpressionLoss
from model_training.photo.judges import error_of_pairs, excess_of_wild
from model_training.photo.losses import (
    displacement,
    lsgan_generator,
    reconstruction,
    region_weights,
    regularisation,
    surroundings_weights,
    weighted_l1,
)
from model_training.photo.network import PhotoMaps, PhotoNet, render, warp
from model_training.runs.compute import Compute
from model_training.runs.distributed import ALONE, Workers
from model_training.runs.schedules import WarmCosine

CRITIC_PAIRS = 6
"""Outputs on pairs that the critic sees: real smiles, transplants, and eyes that were closing."""


def photo_parts(config: PhotoTraining, compute: Compute) -> AdversarialParts[PhotoNet]:
    """What a run of `photo` trains."""
    network, critic = PhotoNet(config.network), PatchDiscriminator()
    rates = config.learning_rate, config.discriminator_rate
    return AdversarialParts(network, critic, *rates, compute)


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
        config: PhotoTraining,
        parts: AdversarialParts[PhotoNet],
        expression: ExpressionLoss | None,
        compute: Compute,
        workers: Workers = ALONE,
    ) -> None:
        self.config, self.parts, self.expression = config, parts, expression
        self.compute = compute
        self.rate = WarmCosine(config.learning_rate, config.steps, warm_up=200, floor=0.03)
        self.learner = workers.parallel(parts.network)
        self.judge = workers.parallel(parts.critic)
        self.judged_pairs = len(range(CRITIC_PAIRS)[workers.rows(CRITIC_PAIRS)])
        self.regions = region_weights(compute.device)
        self.surroundings = surroundings_weights(compute.device)

    def __call__(self, step: int, window: Window, share: PhotoShare) -> dict[str, Tensor]:
        """Do step 0, 1, ...

        Args:
            step: which.
            window: the part of the crops that is looked at.
            share: this worker's rows of the batch, on the device.

        Returns:
            Scalars to log, on the device.
        """
        self.rate.set(self.parts.optimizer, step)
        adversarial = step >= self.config.adversarial_from
        inputs = torch.cat([window.cut(share.expressive), window.cut(share.wild)])
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        with self.compute.autocast():
            maps = self.learner(inputs)
        output = render(inputs, maps)
        loss, values = self._known_answers(window, share, inputs, maps, output)
        if self.expression is not None:
            judged_loss, readings = self._readings(window, share, maps, adversarial)
            loss, values = loss + judged_loss, values | readings
        # The last pairs are judged beside the wild ones, so that the critic can't tell by subject.
        judged = output[max(0, len(share.neutral) - self.judged_pairs) :]
        if adversarial:
            with self.compute.autocast():
                scores = self.parts.critic(judged)
            into = step - self.config.adversarial_from
            ramp = min(1.0, into / self.config.adversarial_ramp)
            loss = loss + self.config.weights.adversarial * ramp * lsgan_generator(scores)
        self.parts.learn(loss)
        if adversarial:
            real, expressive = window.cut(share.calm), window.cut(share.wild)
            values |= self.parts.learn_to_judge(
                self.judge, real, judged.detach(), expressive, self.compute
            )
        return values

    def _known_answers(
        self, window: Window, share: PhotoShare, inputs: Tensor, maps: PhotoMaps, output: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Pairs have a known answer; of the others, the surroundings have."""
        weights, neutral = self.config.weights, window.cut(share.neutral)
        paired, regions = len(neutral), window.cut(self.regions)
        warped = warp(inputs[:paired], maps.flow[:paired])
        valid = window.cut(share.valid)
        loss = reconstruction(
            output[:paired], warped, neutral, inputs[:paired], valid, regions, weights
        )
        misplaced = displacement(maps.flow[:paired], window.cut(share.flow), regions)
        loss = loss + weights.displacement * misplaced + regularisation(maps, weights)
        surroundings = window.cut(self.surroundings)
        loss = loss + weights.surroundings * weighted_l1(
            output[paired:], window.cut(share.wild), surroundings
        )
        return loss, {
            "rebuild": loss.detach(),
            "displacement": misplaced.detach(),
            "mask": maps.mask.detach().mean(),
        }

    def _readings(
        self, window: Window, share: PhotoShare, maps: PhotoMaps, adversarial: bool
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """What the meter says of the outputs."""
        assert self.expression is not None
        weights, paired = self.config.weights, len(share.neutral)
        with self.compute.autocast():
            known = PhotoMaps(*(part[:paired] for part in maps))
            misread = error_of_pairs(self.expression, window, share, known)
        loss, values = weights.pair_expression * misread, {"misread": misread.detach()}
        if adversarial:
            with self.compute.autocast():
                unknown = PhotoMaps(*(part[paired:] for part in maps))
                excess = excess_of_wild(self.expression, window, share, unknown)
            loss, values["expression"] = loss + weights.expression * excess, excess.detach()
        return loss, values
