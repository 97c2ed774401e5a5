"""Reparameterised sampling of the latent (equation 12)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def sample_latent(
    mu: Tensor, logvar: Tensor, noise: Callable[[Tensor], Tensor] = torch.randn_like
) -> Tensor:
    """z = mu + exp(logvar / 2) * epsilon with epsilon ~ N(0, I): equation 12.

    Used while training only; in use, the latent is `mu` alone.

    Args:
        mu: [B, Z].
        logvar: [B, Z].
        noise: gives epsilon for a tensor of its shape.

    Returns:
        [B, Z], differentiable in mu and logvar.
    """
    return mu + torch.exp(0.5 * logvar) * noise(mu)
