"""A network that learns against a critic: what a run of it holds, and how both take a step."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

from model_training.photo.critic import PatchDiscriminator
from model_training.runs.averages import AveragedParts
from model_training.runs.compute import Compute

Net = TypeVar("Net", bound=nn.Module)


def grown(step: int, begins: int) -> float:
    """Share of its weight that the critic's opinion has, in [0, 1].

    From the step at which it begins it grows over as many steps.
    """
    return min(1.0, (step - begins) / max(1, begins))


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

    def opinion_of(self, output: Tensor) -> Tensor:
        """Scores of what the network made, for its own step: the critic learns nothing by it."""
        self.critic.requires_grad_(False)
        scores: Tensor = self.critic(output)
        self.critic.requires_grad_(True)
        return scores

    def learn_to_judge(self, loss: Tensor) -> None:
        """One step of the critic down its loss."""
        self.critic_optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.critic_optimizer.step()
