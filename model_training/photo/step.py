"""One step of `photo`: generator, discriminator, average."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from model_training.photo.batches import PhotoShare, Window
from model_training.photo.config import PhotoTraining
from model_training.photo.critic import PatchDiscriminator
from model_training.photo.expression_loss import ExpressionLoss
from model_training.photo.judges import error_of_pairs, excess_of_wild
from model_training.photo.losses import (
    displacement,
    lsgan_discriminator,
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

CRITIC_PAIRS = 6
"""Outputs on pairs that the critic sees: real smiles, transplants, and eyes that were closing."""


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, step: int) -> None:
    """Exponential moving average of the weights; young averages forget faster."""
    keep = min(0.999, (step + 1) / (step + 20))
    for mean, current in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(current, 1 - keep)
    for mean, current in zip(average.buffers(), network.buffers(), strict=True):
        mean.copy_(current)


class PhotoParts:
    """Networks and optimizers of a run, on its device; what a checkpoint holds."""

    def __init__(self, config: PhotoTraining, compute: Compute) -> None:
        self.network, self.critic = PhotoNet(config.network), PatchDiscriminator()
        compute.place(self.network)
        compute.place(self.critic)
        self.average = copy.deepcopy(self.network).eval()
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), config.learning_rate, betas=(0.5, 0.99), weight_decay=1e-4
        )
        self.critic_optimizer = torch.optim.Adam(
            self.critic.parameters(), config.discriminator_rate, betas=(0.5, 0.99)
        )

    def by_name(self) -> dict[str, Any]:
        """Each under its name in the checkpoint."""
        return vars(self)


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
        parts: PhotoParts,
        expression: ExpressionLoss | None,
        compute: Compute,
        workers: Workers = ALONE,
    ) -> None:
        self.config, self.parts, self.expression = config, parts, expression
        self.compute = compute
        self.learner = workers.parallel(parts.network)
        self.judge = workers.parallel(parts.critic)
        self.judged_pairs = len(range(CRITIC_PAIRS)[workers.rows(CRITIC_PAIRS)])
        self.regions = region_weights(compute.device)
        self.surroundings = surroundings_weights(compute.device)

    def __call__(self, step: int, window: Window, share: PhotoShare) -> dict[str, Tensor]:
        """Do step 0, 1, ... at the learning rates that the optimizers have.

        Args:
            step: which.
            window: the part of the crops that is looked at.
            share: this worker's rows of the batch, on the device.

        Returns:
            Scalars to log, on the device.
        """
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
        self.parts.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parts.network.parameters(), 1.0)
        self.parts.optimizer.step()
        if adversarial:
            values |= self._train_critic(window, share, judged.detach())
        update_average(self.parts.average, self.parts.network, step)
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

    def _train_critic(self, window: Window, share: PhotoShare, judged: Tensor) -> dict[str, Tensor]:
        """Real neutral photographs against outputs and real expressive ones."""
        wild = window.cut(share.wild)
        shown = torch.cat([window.cut(share.calm), judged, wild])
        with self.compute.autocast():
            scores = self.judge(shown)
        real, fake, loud = scores.split([len(share.calm), len(judged), len(wild)])
        loss = lsgan_discriminator(real, fake, loud)
        self.parts.critic_optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.parts.critic_optimizer.step()
        return {
            "D(real)": real.detach().float().mean(),
            "D(output)": fake.detach().float().mean(),
        }
