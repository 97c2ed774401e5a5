"""Reparameterised sampling of the latent (equation 12)."""

from __future__ import annotations

import torch
from torch import Tensor


def sample_latent(mu: Tensor, logvar: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """z = mu + exp(logvar / 2) * epsilon with epsilon ~ N(0, I): equation 12.

    Used while training only; in use, the latent is `mu` alone.

    Args:
        mu: [B, Z].
        logvar: [B, Z].
        generator: source of epsilon; torch's global one by default.

    Returns:
        [B, Z], differentiable in mu and logvar.
    """
    epsilon = torch.empty_like(mu).normal_(generator=generator)
    return mu + torch.exp(0.5 * logvar) * epsilon
