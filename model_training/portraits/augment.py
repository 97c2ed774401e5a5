"""What cameras, light and obstacles do to a photograph; both members of a pair receive the same
augmentations.

The target keeps the noise, the blur and the hand before the chin: the network has to remove an
expression and nothing else. All functions take float32 [B, 3, H, W] in [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model_training.portraits.luma import LUMA

SOFT, COMPRESSED, NOISY = 0.4, 0.2, 0.25
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


@dataclass(frozen=True)
class Misalignment:
    """Turned, scaled and shifted crops: as much as the serving detector's eyes err.

    Against iris landmarks, YuNet's eyes give crops that are off by (standard deviations) 2.5
    degrees, 6 % and 3.4 of 256 px.

    Attributes:
        linear: float32 [B, 2, 2], from the new crop's positions, counted from its middle, to the
            old one's.
        shift: float32 [B, 2], what is added to them, in half sides of the crop.
    """

    linear: Tensor
    shift: Tensor

    @classmethod
    def draw(cls, count: int, rng: np.random.Generator) -> Misalignment:
        """For `count` crops."""
        angle = np.deg2rad(rng.normal(0, 2.5, count))
        scale = np.exp(rng.normal(0, 0.05, count))
        shift = rng.normal(0, 3.0, (count, 2)) * 2 / 256
        cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
        linear = np.stack([cos, -sin, sin, cos], 1).reshape(count, 2, 2)
        return cls(
            torch.from_numpy(linear.astype(np.float32)), torch.from_numpy(shift.astype(np.float32))
        )

    def of_maps(self, maps: Tensor) -> Tensor:
        """Whole crops [B, C, S, S] of any side."""
        theta = torch.cat([self.linear, self.shift[:, :, None]], 2)
        grid = F.affine_grid(theta, list(maps.shape), align_corners=False)
        return F.grid_sample(maps, grid, padding_mode="border", align_corners=False)

    def of_flow(self, flow: Tensor) -> Tensor:
        """Flow and trust [B, 3, S, S]; what was not trusted in part is not trusted at all."""
        moved = self.of_maps(flow)
        turned = torch.einsum("bij,bjhw->bihw", torch.linalg.inv(self.linear), moved[:, :2])
        return torch.cat([turned, (moved[:, 2:] > 0.999).float()], 1)

    def of_points(self, points: Tensor, side: int) -> Tensor:
        """Points [B, ..., 2] in pixels of crops of this side."""
        half = side / 2
        flat = (points.flatten(1, -2) + 0.5) / half - 1 - self.shift[:, None]
        moved = torch.einsum("bij,bkj->bki", torch.linalg.inv(self.linear), flat)
        return ((moved + 1) * half - 0.5).view(points.shape)

    def points_before(self, points: Tensor, side: int) -> Tensor:
        """Where points of the new crops lie in the old ones: the inverse of `of_points`."""
        half = side / 2
        flat = (points.flatten(1, -2) + 0.5) / half - 1
        moved = torch.einsum("bij,bkj->bki", self.linear, flat) + self.shift[:, None]
        return ((moved + 1) * half - 0.5).view(points.shape)


def soften(images: Tensor, row: int, side: int) -> None:
    """Reduce one sample to `side` px and back, in place: a small or unsharp photograph."""
    size = images.shape[-2:]
    small = F.interpolate(images[row : row + 1], size=(side, side), mode="area")
    images[row : row + 1] = F.interpolate(small, size=size, mode="bicubic").clamp(-1, 1)


def compress(images: Tensor, row: int, quality: int) -> None:
    """Store one sample as JPEG and read it again, in place."""
    levels = ((images[row] + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    # OpenCV's order of colours: JPEG keeps blue and red less finely, and not alike.
    bgr = levels.flip(0).permute(1, 2, 0).contiguous().numpy()
    data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = torch.from_numpy(cv2.imdecode(data, cv2.IMREAD_COLOR))
    images[row] = decoded.permute(2, 0, 1).flip(0).float() / 127.5 - 1


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


def mirrored_points(points: Tensor, side: int, chosen: Tensor) -> Tensor:
    """Points [B, ..., K, 2], left to right, of the chosen samples' mirror images, left to right."""
    turned = points.flip(-2) * torch.tensor([-1.0, 1.0]) + torch.tensor([side - 1.0, 0.0])
    return torch.where(chosen.view(-1, *(1,) * (points.ndim - 1)), turned, points)


def augment_pair(
    neutral: Tensor, expressive: Tensor, flow: Tensor, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """The same accidents on both members; mirroring is not one of them.

    Args:
        neutral: targets [B, 3, H, W].
        expressive: inputs, same shape.
        flow: [B, 3, h, w], x, y and trust; h is H or a part of it.
        rng: the run's generator.

    Returns:
        The three, augmented.
    """
    count, _, height, width = neutral.shape
    both = torch.cat([neutral, expressive])

    def pick(share: float) -> Tensor:
        return torch.from_numpy(rng.random(count) < share)

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
        flow[row, 2] *= F.adaptive_max_pool2d(mask, flow.shape[-2:])[0] == 0
    for row in np.flatnonzero(rng.random(count) < NOISY):
        grain = rng.standard_normal(neutral.shape[1:], dtype=np.float32)
        both[[row, row + count]] += torch.from_numpy(grain) * float(rng.uniform(0.005, 0.04))
    both = both.clamp_(-1, 1)
    for row in np.flatnonzero(rng.random(count) < COMPRESSED):
        quality = int(rng.integers(25, 85))
        compress(both, int(row), quality)
        compress(both, int(row) + count, quality)
    return both[:count], both[count:], flow


def augment_single(images: Tensor, rng: np.random.Generator) -> Tensor:
    """The accidents of photographs that have no pair, [B, 3, H, W]; mirroring is not one."""
    count, _, height, _ = images.shape
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
