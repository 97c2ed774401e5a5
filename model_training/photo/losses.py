"""Losses of `photo`. Images are float32 [B, 3, H, W] in [-1, 1]; every loss is a scalar mean."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model_training.photo.config import PhotoLossWeights
from model_training.photo.network import CROP_SIZE, PhotoMaps

_USUAL_CHANGE, _NO_CHANGE = 0.04, 0.002
"""Mean absolute change of a synthetic pair's window, and what is none, in [-1, 1]."""

_USUAL_MOVEMENT, _NO_MOVEMENT = 2.0, 0.2
"""Root mean square displacement of a synthetic pair's window, and what is none, in pixels."""
_FAR = 0.06
"""Displacement (`grid_sample` units; 6 px) up to which its error counts squared."""


def region_weights(device: torch.device | None = None) -> Tensor:
    """[1, 1, 256, 256]: mouth and eyes count more, because expression lives there.

    Centres follow the crop contract: eyes at 0.44 S, the mouth about one inter-ocular distance
    below.
    """
    line = (torch.arange(CROP_SIZE, dtype=torch.float32, device=device) + 0.5) / CROP_SIZE
    y, x = torch.meshgrid(line, line, indexing="ij")

    def blob(cx: float, cy: float, rx: float, ry: float) -> Tensor:
        return torch.exp(-(((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2))

    weights = 1 + 3 * blob(0.5, 0.735, 0.21, 0.14) + 1.5 * blob(0.5, 0.41, 0.275, 0.125)
    return weights[None, None]


def surroundings_weights(device: torch.device | None = None) -> Tensor:
    """[1, 1, 256, 256]: 0 on the face, 1 well outside it (hair, neck, background)."""
    line = (torch.arange(CROP_SIZE, dtype=torch.float32, device=device) + 0.5) / CROP_SIZE
    y, x = torch.meshgrid(line, line, indexing="ij")
    radius = (((x - 0.5) / 0.38) ** 2 + ((y - 0.57) / 0.46) ** 2).sqrt()
    return ((radius - 0.9) / 0.2).clamp(0, 1)[None, None]


def weighted_l1(a: Tensor, b: Tensor, weights: Tensor) -> Tensor:
    """Mean absolute difference, weighted by a [B or 1, 1, H, W] map."""
    return ((a - b).abs() * weights).mean()


def gradient_l1(a: Tensor, b: Tensor) -> Tensor:
    """Mean absolute difference of horizontal and of vertical differences."""
    difference = a - b
    return (difference[..., 1:] - difference[..., :-1]).abs().mean() + (
        difference[..., 1:, :] - difference[..., :-1, :]
    ).abs().mean()


def total_variation(flow: Tensor) -> Tensor:
    """Mean absolute change of the flow between neighbours (in `grid_sample` units)."""
    return (flow[..., 1:] - flow[..., :-1]).abs().mean() + (
        flow[..., 1:, :] - flow[..., :-1, :]
    ).abs().mean()


def changed_weights(neutral: Tensor, expressive: Tensor) -> Tensor:
    """[B, 1, H, W] in [0, 1]: where the expression changed the picture, spread by 9 px."""
    change = (neutral - expressive).abs().mean(1, keepdim=True)
    return (F.avg_pool2d(change, 9, 1, 4) * 4).clamp(0, 1)


def balance(neutral: Tensor, expressive: Tensor) -> Tensor:
    """[B, 1, 1, 1]: what each sample counts, so that a frown teaches as much as a laugh.

    Inverse to the change between the members, within limits; unchanged pairs count once.
    """
    change = (neutral - expressive).abs().mean((1, 2, 3), keepdim=True)
    weight = (_USUAL_CHANGE / change.clamp_min(1e-6)).clamp(0.6, 3.0)
    return torch.where(change < _NO_CHANGE, torch.ones_like(weight), weight)


def movement_balance(true: Tensor, regions: Tensor) -> Tensor:
    """[B, 1, 1, 1]: what each sample's displacements count; arguments as of `displacement`."""
    trust = true[:, 2:] * regions
    square = (true[:, :2].square().sum(1, keepdim=True) * trust).sum((1, 2, 3), keepdim=True)
    movement = (square / trust.sum((1, 2, 3), keepdim=True).clamp_min(1e-6)).sqrt()
    weight = (_USUAL_MOVEMENT / movement.clamp_min(1e-6)).square().clamp(0.5, 4.0)
    return torch.where(movement < _NO_MOVEMENT, torch.ones_like(weight), weight)


def displacement(flow: Tensor, true: Tensor, regions: Tensor) -> Tensor:
    """Distance of the flow from that between the members of a pair, where it is trusted.

    Squared up to a few pixels: the absolute distance has its best guess at the median, which is
    not to move as long as a frown is less than certain (after 500 steps nothing had moved). A
    square makes a brow's 1.5 px a sixteenth of a shout's 6, so each sample is weighed by the
    inverse of its own movement's, within limits.

    Args:
        flow: [B, 2, h, w], the network's, in `grid_sample` units of the window.
        true: [B, 3, H, W], x and y in pixels of the window, and trust; H a multiple of h.
        regions: `region_weights`, cut to H x W.
    """
    side, factor = true.shape[-1], true.shape[-1] // flow.shape[-1]
    trust = F.avg_pool2d(true[:, 2:] * regions, factor)
    wanted = F.avg_pool2d(true[:, :2], factor) * (2.0 / side)
    error = F.smooth_l1_loss(flow, wanted, reduction="none", beta=_FAR)
    return (error * trust * movement_balance(true, regions)).mean()


def reconstruction(
    output: Tensor,
    warped: Tensor,
    neutral: Tensor,
    expressive: Tensor,
    valid: Tensor,
    regions: Tensor,
    weights: PhotoLossWeights,
) -> Tensor:
    """Distance from the true neutral face, for samples that have one.

    Args:
        output: what the network made of `expressive`.
        warped: its warp alone.
        neutral: the target.
        expressive: the input.
        valid: [B, 1, H, W] in {0, 1}; where the target may be trusted. Elsewhere the input is
            to stay.
        regions: `region_weights`, cut to H x W.
        weights: of the terms.
    """
    importance = (regions + 3 * changed_weights(neutral, expressive)) * valid
    importance = importance * balance(neutral, expressive)
    return (
        weighted_l1(output, neutral, importance)
        + weights.warp * weighted_l1(warped, neutral, importance)
        + weights.gradient * gradient_l1(output * valid, neutral * valid)
        + weights.outside * weighted_l1(output, expressive, 1 - valid)
    )


def regularisation(maps: PhotoMaps, weights: PhotoLossWeights) -> Tensor:
    """Paint little, move smoothly, move no more than needed."""
    return (
        weights.mask * maps.mask.mean()
        # 4: the flow has a quarter of the picture's resolution, so neighbours lie 4 px apart.
        + weights.smooth / 4 * total_variation(maps.flow)
        + weights.flow * maps.flow.abs().mean()
    )


def lsgan_generator(scores: Tensor) -> Tensor:
    """Outputs should be judged as real neutral photographs (Mao et al. 2017)."""
    return ((scores.float() - 1) ** 2).mean()


def lsgan_discriminator(real: Tensor, fake: Tensor, expressive: Tensor) -> Tensor:
    """Real neutral photographs are 1; outputs, and (at half weight) real expressive ones, are 0."""
    return (
        ((real.float() - 1) ** 2).mean()
        + (fake.float() ** 2).mean()
        + 0.5 * (expressive.float() ** 2).mean()
    )
