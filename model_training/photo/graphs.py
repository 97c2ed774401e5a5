"""`photo` as the graphs that are served: uint8 crops in, uint8 crops out.

What is trained, exported and served cannot disagree about normalisation: the window, its reduction
to 192 px, the network, the warp at full size, blending and rounding are all inside.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model_training.photo.eyes.network import EyeOpener, eye_areas, open_eyes
from model_training.photo.network import (
    CROP_SIZE,
    MAP_SIZE,
    WINDOW_LEFT,
    WINDOW_SIZE,
    WINDOW_TOP,
    PhotoMaps,
    PhotoNet,
)
from model_training.photo.render import REGIONS, region_shares, render_sharp
from model_training.portraits.luma import LUMA


class _OnWindow(nn.Module):
    """What lies round the network: the window, who wants how much, and the way back."""

    luma: Tensor
    shares: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("luma", torch.tensor(LUMA).view(1, 3, 1, 1))
        self.register_buffer("shares", region_shares())

    def window(self, image: Tensor) -> Tensor:
        """Of crops uint8 [B, S, S, 3], the window in [-1, 1], [B, 3, W, W]."""
        ratio = image.shape[1] // CROP_SIZE
        top, left, side = WINDOW_TOP * ratio, WINDOW_LEFT * ratio, WINDOW_SIZE * ratio
        part = image[:, top : top + side, left : left + side]
        return part.permute(0, 3, 1, 2).float() / 127.5 - 1

    def wanted(self, strength: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
        """How much of the change is wanted in each region [B, 3], and where [B, 1, 96, 1]."""
        wanted = strength.view(-1, 1) * regions
        parts = [wanted[:, i].view(-1, 1, 1, 1) * self.shares[i] for i in range(len(REGIONS))]
        return wanted, torch.stack(parts).sum(0)

    def put_back(self, image: Tensor, window: Tensor, output: Tensor) -> Tensor:
        """The crops with a new window, uint8.

        Grey in, grey out: light and paint bring no colour into a black-and-white photograph.
        """
        ratio = image.shape[1] // CROP_SIZE
        top, left, side = WINDOW_TOP * ratio, WINDOW_LEFT * ratio, WINDOW_SIZE * ratio
        spread = (window.amax(1) - window.amin(1)).mean(dim=(1, 2)) * 127.5
        coloured = ((spread - 0.25) * 4).clamp(0, 1).view(-1, 1, 1, 1)
        grey = (output * self.luma).sum(1, keepdim=True)
        output = grey + (output - grey) * coloured
        levels = ((output + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
        rows = image[:, top : top + side]
        middle = torch.cat([rows[:, :, :left], levels, rows[:, :, left + side :]], 2)
        return torch.cat([image[:, :top], middle, image[:, top + side :]], 1)


class FusedPhoto(_OnWindow):
    """uint8 crop in, uint8 neutral crop out."""

    eye_areas: Tensor

    def __init__(self, network: PhotoNet, eyes: EyeOpener) -> None:
        super().__init__()
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
        batch, ratio = image.shape[0], image.shape[1] // CROP_SIZE
        x = self.window(image)
        # The mean over ratio x ratio blocks: an exact area reduction on every runtime.
        blocks = x.reshape(batch, 3, WINDOW_SIZE, ratio, WINDOW_SIZE, ratio)
        opened = open_eyes(self.eyes, x, ratio)
        wanted, amount = self.wanted(strength, regions)
        # An eye that is painted anew is not moved as well.
        taken = (opened.amount[:, :, None, None, None] * self.eye_areas[:, None]).amax(0)
        maps = self.network(blocks.mean(dim=(3, 5)))
        output = render_sharp(x, maps, amount * (1 - taken))
        cover = opened.cover * wanted[:, REGIONS.index("eyes")].view(-1, 1, 1, 1)
        output = output + cover * (opened.paint - output)
        return self.put_back(image, x, output)


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
        light: Tensor,
        strength: Tensor,
        regions: Tensor,
    ) -> Tensor:
        """Apply maps, see `PhotoMaps`; the rest as of `FusedPhoto`."""
        x = self.window(image)
        _, amount = self.wanted(strength, regions)
        maps = PhotoMaps(upper, lower, line, opening, crease, light)
        return self.put_back(image, x, render_sharp(x, maps, amount))
