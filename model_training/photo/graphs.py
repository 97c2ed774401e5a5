"""`photo` as the graphs that are served: uint8 crops in, uint8 crops out.

What is trained, exported and served cannot disagree about normalisation: the window, its reduction
to 192 px, the network, the warp at full size, blending and rounding are all inside.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model_training.photo.colour import coloured, without_colour
from model_training.photo.eyes.network import EyeOpener, eye_areas, eye_rows, open_eyes
from model_training.photo.light.network import LightNet, at_maps, light_of
from model_training.photo.lips.hiding import how_soft
from model_training.photo.lips.network import LipPainter, paint_lips
from model_training.photo.network import (
    CROP_SIZE,
    MAP_SIZE,
    WINDOW_LEFT,
    WINDOW_SIZE,
    WINDOW_TOP,
    PhotoMaps,
    PhotoNet,
)
from model_training.photo.render import (
    REGIONS,
    compose,
    region_shares,
    without_tremor,
)
from model_training.photo.sharp import render_sharp


class _OnWindow(nn.Module):
    """What lies round the network: the window, who wants how much, and the way back."""

    shares: Tensor

    def __init__(self, light: LightNet, lips: LipPainter) -> None:
        super().__init__()
        self.light = light
        self.lips = lips
        self.register_buffer("shares", region_shares())

    def window(self, image: Tensor) -> Tensor:
        """Of crops uint8 [B, S, S, 3], the window in [-1, 1], [B, 3, W, W]."""
        ratio = image.shape[1] // CROP_SIZE
        top, left, side = WINDOW_TOP * ratio, WINDOW_LEFT * ratio, WINDOW_SIZE * ratio
        part = image[:, top : top + side, left : left + side]
        return part.permute(0, 3, 1, 2).float() / 127.5 - 1

    def small(self, window: Tensor) -> Tensor:
        """The window at 192 px: the mean over blocks, an exact area reduction on every runtime."""
        ratio = window.shape[-1] // WINDOW_SIZE
        blocks = window.reshape(window.shape[0], 3, WINDOW_SIZE, ratio, WINDOW_SIZE, ratio)
        return blocks.mean(dim=(3, 5))

    def wanted(self, strength: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
        """How much of the change is wanted in each region [B, 3], and where [B, 1, 96, 1]."""
        wanted = strength.view(-1, 1) * regions
        parts = [wanted[:, i].view(-1, 1, 1, 1) * self.shares[i] for i in range(len(REGIONS))]
        return wanted, torch.stack(parts).sum(0)

    def rendered(
        self,
        window: Tensor,
        small: Tensor,
        maps: PhotoMaps,
        amount: Tensor,
        still: Tensor,
        colour: Tensor,
    ) -> Tensor:
        """The window moved, lit, and its lips painted.

        Args:
            window: see `window`.
            small: see `small`.
            maps: of the network.
            amount: [B, 1, 96, 1], how much of the change is wanted where.
            still: [B, 1, 96, 96 or 1] in [0, 1], what of that is not to be moved.
            colour: [B, 1, 1, 1], see `coloured`.
        """
        moved = amount * (1 - still)
        motion = compose(without_tremor(maps), moved)
        stops = light_of(self.light, at_maps(small), motion) * moved

        def paint(mouth: Tensor) -> Tensor:
            return paint_lips(self.lips, mouth, motion, amount, colour, how_soft(small))

        return render_sharp(window, maps, moved, colour, motion, stops, paint)

    def put_back(self, image: Tensor, output: Tensor) -> Tensor:
        """The crops with a new window, uint8."""
        ratio = image.shape[1] // CROP_SIZE
        top, left, side = WINDOW_TOP * ratio, WINDOW_LEFT * ratio, WINDOW_SIZE * ratio
        levels = ((output + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
        rows = image[:, top : top + side]
        middle = torch.cat([rows[:, :, :left], levels, rows[:, :, left + side :]], 2)
        return torch.cat([image[:, :top], middle, image[:, top + side :]], 1)


class FusedPhoto(_OnWindow):
    """uint8 crop in, uint8 neutral crop out."""

    eye_areas: Tensor

    def __init__(
        self, network: PhotoNet, light: LightNet, eyes: EyeOpener, lips: LipPainter
    ) -> None:
        super().__init__(light, lips)
        self.network = network
        self.eyes = eyes
        self.register_buffer("eye_areas", eye_areas(MAP_SIZE))

    def forward(self, image: Tensor, strength: Tensor, regions: Tensor) -> Tensor:
        """Neutralize a batch of aligned crops.

        Args:
            image: uint8 RGB [B, S, S, 3], S a multiple of 256.
            strength: float32 [B] in [0, 1].
            regions: float32 [B, 3] in [0, 1], how much of it brows, eyes and mouth get.

        Returns:
            uint8 RGB [B, S, S, 3].
        """
        ratio = image.shape[1] // CROP_SIZE
        x = self.window(image)
        small = self.small(x)
        colour = coloured(small)
        opened = open_eyes(self.eyes, x, ratio)
        wanted, amount = self.wanted(strength, regions)
        # An eye that is painted anew is not moved as well.
        taken = (opened.amount[:, :, None, None, None] * self.eye_areas[:, None]).amax(0)
        output = self.rendered(x, small, self.network(small), amount, taken, colour)
        top, end = eye_rows(ratio)
        band = output[:, :, top:end]
        cover = opened.cover * wanted[:, REGIONS.index("eyes")].view(-1, 1, 1, 1)
        band = band + cover * (without_colour(opened.paint, colour) - band)
        output = torch.cat([output[:, :, :top], band, output[:, :, end:]], 2)
        return self.put_back(image, output)


class PhotoRender(_OnWindow):
    """uint8 crop and the network's maps in, uint8 neutral crop out: for moving pictures.

    Between the two a caller can steady the maps along time. Shut eyes stay shut: in a moving
    picture they blink.
    """

    def forward(
        self,
        image: Tensor,
        upper: Tensor,
        lower: Tensor,
        line: Tensor,
        opening: Tensor,
        crease: Tensor,
        strength: Tensor,
        regions: Tensor,
    ) -> Tensor:
        """Apply maps, see `PhotoMaps`; the rest as of `FusedPhoto`."""
        x = self.window(image)
        _, amount = self.wanted(strength, regions)
        maps, small = PhotoMaps(upper, lower, line, opening, crease), self.small(x)
        still = torch.zeros_like(amount)
        output = self.rendered(x, small, maps, amount, still, coloured(small))
        return self.put_back(image, output)
