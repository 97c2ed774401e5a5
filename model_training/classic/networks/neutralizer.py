"""The neutralizer T: one dense layer that moves a latent mean to its neutral one."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Neutralizer(nn.Module):
    """T(mu) = W mu + b, [B, Z] -> [B, Z]: expression removal is linear in the latent space.

    It starts as the identity, which leaves every face as it is; the published code starts from
    N(0, 0.02), which `init_published` gives.
    """

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.dense = nn.Linear(latent, latent)
        with torch.no_grad():
            self.dense.weight.copy_(torch.eye(latent))
            self.dense.bias.zero_()

    def init_published(self) -> None:
        """Weights from N(0, 0.02), bias zero, drawn from torch's global generator."""
        nn.init.normal_(self.dense.weight, std=0.02)
        nn.init.zeros_(self.dense.bias)

    def forward(self, mu: Tensor) -> Tensor:
        """Return the neutral mu."""
        neutral: Tensor = self.dense(mu)
        return neutral
