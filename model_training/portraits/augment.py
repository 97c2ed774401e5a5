"""What cameras, light and obstacles do to a photograph; both members of a pair receive the same
augmentations.

The target keeps the noise, the blur and the hand before the chin: the network has to remove an
expression and nothing else. All functions take float32 [B, 3, H, W] in [-1, 1].
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model_training.portraits.luma import LUMA

SOFT, COMPRESSED, NOISY = 0.3, 0.2, 0.25
"""Shares of small or unsharp photographs, of visibly compressed ones, and of grainy ones."""


def flip(images: Tensor, chosen: Tensor) -> Tensor:
    """Mirror the chosen samples left to right; works on masks too."""
    return torch.where(chosen.view(-1, 1, 1, 1), images.flip(3), images)


def to_grey(images: Tensor, chosen: Tensor) -> Tensor:
    """Take the colour from the chosen samples."""
    luma = torch.tensor(LUMA, dtype=images.dtype).view(1, 3, 1, 1)
    grey = (images * luma).sum(1, keepdim=True).expand_as(images)
    return torch.where(chosen.view(-1, 1, 1, 1), grey, images)


def side_light(images: Tensor, amount: Tensor, angle: Tensor) -> Tensor:
    """Light falling off linearly across the face.

    Args:
        images: the batch.
        amount: [B] in [0, 1); 0 leaves a sample alone, 0.7 leaves one side at 30 %.
        angle: [B] in radians, the direction that the light comes from.
    """
    height, width = images.shape[-2:]
    y = torch.linspace(-1, 1, height).view(1, 1, height, 1)
    x = torch.linspace(-1, 1, width).view(1, 1, 1, width)
    cos, sin = (f(angle).view(-1, 1, 1, 1) for f in (torch.cos, torch.sin))
    gain = 1 - amount.view(-1, 1, 1, 1) * (0.5 + 0.5 * (x * cos + y * sin)).clamp(0, 1)
    return (images + 1) * gain - 1


def mirrored_flow(flow: Tensor, chosen: Tensor) -> Tensor:
    """Flow and trust [B, 3, H, W] of the chosen samples' mirror images."""
    turned = flow.flip(3) * torch.tensor([-1.0, 1.0, 1.0]).view(1, 3, 1, 1)
    return torch.where(chosen.view(-1, 1, 1, 1), turned, flow)


def one_side(
    neutral: Tensor, expressive: Tensor, chosen: Tensor, rng: np.random.Generator
) -> Tensor:
    """The chosen samples with the expression of one side of the face only: a wink.

    Returns:
        Expressive images [B, 3, H, W].
    """
    x = torch.linspace(-1, 1, neutral.shape[-1]).view(1, 1, 1, -1)
    side = torch.from_numpy(np.where(rng.random(len(neutral)) < 0.5, 1.0, -1.0)).float()
    there = (0.5 + x * side.view(-1, 1, 1, 1) / 0.12).clamp(0, 1)
    mixed = there * expressive + (1 - there) * neutral
    return torch.where(chosen.view(-1, 1, 1, 1), mixed, expressive)


def misalign(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Turn, scale and shift each crop as much as the serving detector's eyes err.

    Against iris landmarks, YuNet's eyes give crops that are off by (standard deviations) 2.5
    degrees, 6 % and 3.4 of 256 px.

    Args:
        images: whole crops [B, C, S, S]; members of a pair belong into one sample (as channels).
        rng: the run's generator.
    """
    count = len(images)
    angle = np.deg2rad(rng.normal(0, 2.5, count))
    scale = np.exp(rng.normal(0, 0.05, count))
    shift = rng.normal(0, 3.0, (count, 2)) * 2 / 256
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    rows = np.stack([cos, -sin, shift[:, 0], sin, cos, shift[:, 1]], 1).reshape(count, 2, 3)
    theta = torch.from_numpy(rows.astype(np.float32))
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def soften(images: Tensor, row: int, side: int) -> None:
    """Reduce one sample to `side` px and back, in place: a small or unsharp photograph."""
    size = images.shape[-2:]
    small = F.interpolate(images[row : row + 1], size=(side, side), mode="area")
    images[row : row + 1] = F.interpolate(small, size=size, mode="bicubic").clamp(-1, 1)


def compress(images: Tensor, row: int, quality: int) -> None:
    """Store one sample as JPEG and read it again, in place."""
    levels = ((images[row] + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    data = cv2.imencode(
        ".jpg", levels.permute(1, 2, 0).contiguous().numpy(), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )[1]
    decoded = torch.from_numpy(cv2.imdecode(data, cv2.IMREAD_COLOR))
    images[row] = decoded.permute(2, 0, 1).float() / 127.5 - 1


def occlude(images: Tensor, row: int, patch: Tensor, mask: Tensor) -> None:
    """Put something before the face of one sample, in place: `mask` [1, H, W] in [0, 1]."""
    images[row] = images[row] * (1 - mask) + patch * mask


def _occluder_mask(rng: np.random.Generator, height: int, width: int) -> Tensor:
    """A soft-edged bar or ellipse reaching in from a side, about as large as a hand."""
    y = torch.linspace(0, 1, height).view(height, 1)
    x = torch.linspace(0, 1, width).view(1, width)
    angle = rng.uniform(0, 2 * np.pi)
    cx, cy = (
        0.5 + rng.uniform(0.28, 0.5) * np.cos(angle),
        0.5 + rng.uniform(0.28, 0.5) * np.sin(angle),
    )
    along = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
    across = -(x - cx) * np.sin(angle) + (y - cy) * np.cos(angle)
    radius: Tensor = (
        (along / rng.uniform(0.1, 0.3)) ** 2 + (across / rng.uniform(0.06, 0.16)) ** 2
    ).sqrt()
    return ((1.06 - radius) / 0.06).clamp(0, 1)[None]


def augment_pair(
    neutral: Tensor, expressive: Tensor, valid: Tensor, flow: Tensor, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The same accidents on both members.

    Args:
        neutral: targets [B, 3, H, W].
        expressive: inputs, same shape.
        valid: [B, 1, H, W].
        flow: [B, 3, H, W], x, y and trust, see `PairFlow`.
        rng: the run's generator.

    Returns:
        The four, augmented.
    """
    count, _, height, width = neutral.shape
    both = torch.cat([neutral, expressive])

    def pick(share: float) -> Tensor:
        return torch.from_numpy(rng.random(count) < share)

    mirrored = pick(0.5)
    both, valid = flip(both, mirrored.repeat(2)), flip(valid, mirrored)
    flow = mirrored_flow(flow, mirrored)
    both = to_grey(both, pick(0.15).repeat(2))
    amount = torch.from_numpy(rng.uniform(0.2, 0.75, count).astype(np.float32)) * pick(0.3)
    angle = torch.from_numpy(rng.uniform(0, 2 * np.pi, count).astype(np.float32))
    both = side_light(both, amount.repeat(2), angle.repeat(2))
    for row in np.flatnonzero(rng.random(count) < SOFT):
        side = int(rng.uniform(0.3, 0.8) * height)
        soften(both, int(row), side)
        soften(both, int(row) + count, side)
    for row in np.flatnonzero(rng.random(count) < 0.1):
        mask = _occluder_mask(rng, height, width)
        # Another photograph's texture, shifted: hair, cloth or skin, not a flat colour.
        patch = both[int(rng.integers(count))].roll(int(rng.integers(height)), 1)
        occlude(both, int(row), patch, mask)
        occlude(both, int(row) + count, patch, mask)
        flow[row, 2] *= mask[0] == 0
    for row in np.flatnonzero(rng.random(count) < NOISY):
        grain = rng.standard_normal(neutral.shape[1:], dtype=np.float32)
        both[[row, row + count]] += torch.from_numpy(grain) * float(rng.uniform(0.005, 0.04))
    both = both.clamp_(-1, 1)
    for row in np.flatnonzero(rng.random(count) < COMPRESSED):
        quality = int(rng.integers(25, 85))
        compress(both, int(row), quality)
        compress(both, int(row) + count, quality)
    return both[:count], both[count:], valid, flow


def augment_single(images: Tensor, rng: np.random.Generator) -> Tensor:
    """The accidents of photographs that have no pair: [B, 3, H, W], same shape."""
    count, _, height, _ = images.shape
    images = flip(images, torch.from_numpy(rng.random(count) < 0.5))
    images = to_grey(images, torch.from_numpy(rng.random(count) < 0.15))
    amount = rng.uniform(0.2, 0.75, count) * (rng.random(count) < 0.2)
    angle = rng.uniform(0, 2 * np.pi, count)
    images = side_light(
        images,
        torch.from_numpy(amount.astype(np.float32)),
        torch.from_numpy(angle.astype(np.float32)),
    )
    for row in np.flatnonzero(rng.random(count) < SOFT):
        soften(images, int(row), int(rng.uniform(0.3, 0.8) * height))
    for row in np.flatnonzero(rng.random(count) < COMPRESSED):
        compress(images, int(row), int(rng.integers(25, 85)))
    return images
