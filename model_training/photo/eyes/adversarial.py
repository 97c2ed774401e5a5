"""A network that learns against a critic: what a run of it holds, and how both take a step."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

from model_training.photo.eyes.critic import PatchDiscriminator
from model_training.photo.eyes.losses import lsgan_discriminator
from model_training.runs.averages import AveragedParts
from model_training.runs.compute import Compute

Net = TypeVar("Net", bound=nn.Module)


class AdversarialParts(AveragedParts[Net]):
    """Networks and optimizers of a run, on its device; what a checkpoint holds.

    Args:
        network: what is trained.
        critic: judges its outputs.
        rate: AdamW's learning rate, at its height.
        critic_rate: Adam's, of the critic.
        compute: device and precision.
    """

    def __init__(
        self,
        network: Net,
        critic: PatchDiscriminator,
        rate: float,
        critic_rate: float,
        compute: Compute,
    ) -> None:
        super().__init__(network, rate, compute, momentum=0.5)
        self.critic = critic
        compute.place(critic)
        self.critic_optimizer = torch.optim.Adam(
            critic.parameters(), critic_rate, betas=(0.5, 0.99)
        )

    def learn_to_judge(
        self, critic: nn.Module, real: Tensor, made: Tensor, expressive: Tensor, compute: Compute
    ) -> dict[str, Tensor]:
        """One step of the critic.

        Args:
            critic: the critic itself, or what several workers share it in.
            real: what it should know as right, [N, 3, H, W]; 1.
            made: outputs of the network, detached, [M, 3, H, W]; 0.
            expressive: real photographs that are as wrong, [K, 3, H, W]; 0, at half weight.
            compute: device and precision.

        Returns:
            Mean scores to log.
        """
        parts = [real, made, expressive]
        with compute.autocast():
            scores = critic(torch.cat(parts))
        true, fake, loud = scores.split([len(part) for part in parts])
        self.critic_optimizer.zero_grad(set_to_none=True)
        lsgan_discriminator(true, fake, loud).backward()
        self.critic_optimizer.step()
        return {
            "D(real)": true.detach().float().mean(),
            "D(output)": fake.detach().float().mean(),
        }
