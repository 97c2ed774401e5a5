"""The network that opens closed eyes: `photo`'s own has no room for an iris it has not seen.

It looks at both eyes, each with the other one mirrored beside it, at twice the resolution of
`photo`'s network, says whether an eye is shut, and if so paints an open one. Where the other eye
is open it is the model; where both are shut, iris and gaze are invented: they are the training
people's average, not the person's, and the README says so.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.faces.alignment import EYE_MIDPOINT, INTER_OCULAR
from model_training.photo.config import PatchNetConfig
from model_training.photo.eyes.config import EYE_OPENER
from model_training.photo.network import (
    CROP_SIZE,
    WINDOW_LEFT,
    WINDOW_SIZE,
    WINDOW_TOP,
)
from model_training.photo.patch_net import STEP, PatchNet, evened

PATCH_HEIGHT, PATCH_WIDTH = 72, 96
"""Size of an eye's patch in pixels, three for two of the 256 px crop."""
BOX_TOP, BOX_HEIGHT, BOX_WIDTH = 88, 48, 64
"""Rows of the 256 px crop which a patch shows, and its width there."""
BOX_LEFT = 62
"""Where the right eye's patch (on the image's left) begins; the left eye's is its mirror image."""
SURE_OPEN, SURE_SHUT = 0.5, 0.55
"""Probability of being shut up to which an eye is left alone, and from which on it is opened. Near
each other, because an eye that is half moved and half painted is a blur.

On people not trained on (LFW, FairFace's and London's validation people; counted once): 81 % of 292
shut eyes, 39 % of 530 slits (lids 0.07 to 0.12 eye widths apart) and 0.5 % of 800 open ones are
opened, fellows (`OPEN`) among them; half opened are 2, 3 and 0.3 %.
"""
OPEN, DOUBTFUL = -3.0, -1.5
"""Logits up to which an eye stays as it is when the other one is opened, as in a wink, and from
which on it is opened as well: 18 of 364 people of LFW had an eye opened beside a slit that was not.
The network's motion stretches a slit's lashes to a dark spot, which painting does not."""
SAY = 3.0
"""Largest logit with which an eye has a say (half of it) about the other one."""
_AREA = (34.0, 24.0)
"""Half axes of the ellipse that an opened eye has to itself, in pixels of the 256 px crop; it fades
over its outer third."""


class OpenedEyes(NamedTuple):
    """What the network answers about patches, all float32.

    Attributes:
        paint: [N, 3, 72, 96], colours of the open eye (not clamped).
        cover: [N, 1, 72, 96] in [0, 1], where they belong; fades at the border.
        shut: [N], logit of the eye being shut.
    """

    paint: Tensor
    cover: Tensor
    shut: Tensor


class EyeOpener(PatchNet):
    """Paints open eyes over closed ones."""

    def __init__(self, config: PatchNetConfig = EYE_OPENER) -> None:
        super().__init__(24, 4, (PATCH_HEIGHT, PATCH_WIDTH), config)
        eighth = config.widths[-1]
        self.shut = nn.Sequential(nn.Linear(eighth, 32), nn.LeakyReLU(0.1), nn.Linear(32, 1))

    def forward(self, own: Tensor, other: Tensor) -> OpenedEyes:
        """Look at eyes.

        Args:
            own: patches [N, 3, 72, 96] RGB in [-1, 1], outer corner on the left.
            other: the same people's other eyes, mirrored, so that corners agree.
        """
        mean, spread = evened(own)
        both = torch.cat([(own - mean) / spread, (other - mean) / spread], 1)
        out, deep = self.paint(F.pixel_unshuffle(both, STEP))
        return OpenedEyes(
            paint=out[:, :3] * spread + mean,
            cover=torch.sigmoid(out[:, 3:] * 2 - 1) * self.border,
            shut=self.shut(deep.mean((2, 3))).float()[:, 0],
        )


def eye_patches(crop: Tensor, ratio: int, top: int, left: int) -> Tensor:
    """Both eyes' patches, the left eye's mirrored.

    Args:
        crop: [B, 3, H, W] in [-1, 1], the aligned crop at 256 * `ratio` px, or a window of it.
        ratio: see there.
        top: row of the 256 px crop at which the window begins; 0 for a whole crop.
        left: column.

    Returns:
        [2, B, 3, 72, 96]: right eyes, left eyes.
    """
    y, height, width = (BOX_TOP - top) * ratio, BOX_HEIGHT * ratio, BOX_WIDTH * ratio
    x = (BOX_LEFT - left) * ratio
    mirrored = (256 - BOX_LEFT - BOX_WIDTH - left) * ratio
    rows = crop[:, :, y : y + height]
    right = rows[..., x : x + width]
    other = rows[..., mirrored : mirrored + width].flip(3)
    size = (PATCH_HEIGHT, PATCH_WIDTH)
    return torch.stack(
        [F.interpolate(p, size=size, mode="bilinear", align_corners=False) for p in (right, other)]
    )


def shut_amount(logits: Tensor) -> Tensor:
    """How far each eye is to be opened, in [0, 1]: nothing unless the network is sure.

    Eyes mostly shut together, so each has a say about the other, and an opened eye takes a doubtful
    fellow along: one opened eye beside a slit looks stranger than two slits. A wink's open eye is
    far from shut and stays what it is.

    Args:
        logits: [2, B], right and left.
    """
    other = logits.flip(0).clamp(-SAY, SAY)
    chance = torch.sigmoid(logits + 0.5 * other)
    amount = ((chance - SURE_OPEN) / (SURE_SHUT - SURE_OPEN)).clamp(0, 1)
    doubtful = ((logits - OPEN) / (DOUBTFUL - OPEN)).clamp(0, 1)
    return torch.maximum(amount, doubtful * amount.flip(0))


def eye_rows(ratio: int) -> tuple[int, int]:
    """First row of the window that the eyes' patches reach, and the one after their last."""
    top = (BOX_TOP - WINDOW_TOP) * ratio
    return top, top + BOX_HEIGHT * ratio


def on_window(maps: Tensor, ratio: int) -> Tensor:
    """Maps of both eyes' patches laid on the window's rows that hold the eyes.

    Args:
        maps: [2, B, C, 72, 96], right eyes and mirrored left eyes.
        ratio: side of the crop over 256.

    Returns:
        [B, C, 48 * ratio, 192 * ratio], the rows of `eye_rows`; 0 away from the eyes.
    """
    size = (BOX_HEIGHT * ratio, BOX_WIDTH * ratio)
    right, left = (
        F.interpolate(eye, size=size, mode="bilinear", align_corners=False)
        for eye in (maps[0], maps[1])
    )
    near = (BOX_LEFT - WINDOW_LEFT) * ratio
    between = (256 - 2 * BOX_LEFT - 2 * BOX_WIDTH) * ratio
    gap = right.new_zeros((right.shape[0], right.shape[1], size[0], between))
    far = 192 * ratio - near - between - 2 * size[1]
    row = torch.cat([right, gap, left.flip(3)], 3)
    return F.pad(row, (near, far))


class OpenedWindow(NamedTuple):
    """What the eye opener does to a window of side S, in the rows of `eye_rows`.

    Attributes:
        paint: [B, 3, S / 4, S], 0 away from the eyes.
        cover: [B, 1, S / 4, S] in [0, 1].
        amount: [2, B] in [0, 1], how far the right and the left eye are opened.
    """

    paint: Tensor
    cover: Tensor
    amount: Tensor


def open_eyes(opener: EyeOpener, window: Tensor, ratio: int) -> OpenedWindow:
    """Look at both eyes of a window [B, 3, 192 * ratio, 192 * ratio] in [-1, 1]."""
    right, left = eye_patches(window, ratio, WINDOW_TOP, WINDOW_LEFT)
    count = right.shape[0]
    eyes = opener(torch.cat([right, left]), torch.cat([left, right]))
    amount = shut_amount(eyes.shut.reshape(2, count))
    paint, cover = (part.reshape(2, count, *part.shape[1:]) for part in eyes[:2])
    cover = cover * amount[:, :, None, None, None]
    return OpenedWindow(on_window(paint, ratio), on_window(cover, ratio), amount)


def eye_areas(side: int) -> Tensor:
    """What of the window belongs to the right and the left eye, [2, 1, side, side] in [0, 1]."""
    line = (torch.arange(side, dtype=torch.float32) + 0.5) * (WINDOW_SIZE / side)
    y, x = torch.meshgrid(line, line, indexing="ij")
    row = EYE_MIDPOINT[1] * CROP_SIZE - WINDOW_TOP
    areas = []
    for side_of_face in (-0.5, 0.5):
        column = (EYE_MIDPOINT[0] + side_of_face * INTER_OCULAR) * CROP_SIZE - WINDOW_LEFT
        distance = (((x - column) / _AREA[0]) ** 2 + ((y - row) / _AREA[1]) ** 2).sqrt()
        areas.append(((1 - distance) * 3).clamp(0, 1))
    return torch.stack(areas)[:, None]
