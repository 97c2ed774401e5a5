"""`photo`: a U-Net that moves a photograph's own pixels to neutral, in two layers.

The face never passes a bottleneck: the network looks at a small copy of the face and answers with
maps, which `render` applies to the photograph at its own resolution. Pores, hair and identity
therefore survive, because they are the photograph's. What is not there to be moved has networks of
its own: `light` takes the shade of folds away, `eyes` and `lips` paint.

Lips close along a line where the motion jumps: the upper lip comes from above, the lower one from
below, the teeth between them go nowhere. So there are two flows, one for the face and the upper
lip and one for the lower lip and the jaw, and a signed distance to the line at which they meet.

The network does not see the whole crop but a window of it: 192 of 256 px, which hold everything an
expression moves (brows to chin, ear to ear). It costs 0.56 of the crop, and nothing outside the
window can change.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_training.photo.config import PhotoConfig
from model_training.photo.reach import reach

CROP_SIZE = 256
"""Side of the crop (see `app.faces.alignment`) at which the network works, in pixels."""
WINDOW_SIZE = 192
"""Side of the window of that crop which the network sees."""
WINDOW_TOP, WINDOW_LEFT = 58, 32
"""Where the window begins, in pixels of the 256 px crop; even, as the maps have half its size."""
MAP_STEP = 2
"""Pixels of the window from one value of the maps to the next."""
MAP_SIZE = WINDOW_SIZE // MAP_STEP
LINE_REACH = 10.0
"""Distance from the lip line, in pixels of the window, beyond which it is not told apart."""
_FEATHER = 0.12
"""Half windows over which the change fades out towards the border."""
_MOTION = 4


class PhotoMaps(NamedTuple):
    """What the network answers, all float32.

    Attributes:
        upper: [B, 2, 96, 96], (x, y) displacement of face and upper lip, in `grid_sample` units
            of the window.
        lower: [B, 2, 96, 96], the same for lower lip and jaw.
        line: [B, 1, 96, 96], signed distance to the lip line of the neutral face in pixels of the
            window, within `LINE_REACH`; positive below it.
        opening: [B, 1, 96, 96] in [0, 1], where in the input one looks into the mouth.
        crease: [B, 1, 96, 96] in [0, 1], how dark the line between the lips is.
    """

    upper: Tensor
    lower: Tensor
    line: Tensor
    opening: Tensor
    crease: Tensor


def conv_block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.1, inplace=True),
    )


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = conv_block(width, width)
        self.second = nn.Sequential(
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x + self.second(self.first(x)), 0.1)


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def _feather(size: int) -> Tensor:
    """[1, 1, size, size]: 1 on the face, falling to 0 towards the border; corners are no face."""
    line = (torch.arange(size, dtype=torch.float32) + 0.5) * (2 / size) - 1
    distance = (line.abs()[:, None] ** 4 + line.abs()[None] ** 4) ** 0.25
    return ((1 - distance) / _FEATHER).clamp(0, 1)[None, None]


def window_of(crops: Tensor) -> Tensor:
    """The window the network is meant for, of crops [..., S, S] with S a multiple of 256."""
    ratio = crops.shape[-1] // CROP_SIZE
    top, left, side = WINDOW_TOP * ratio, WINDOW_LEFT * ratio, WINDOW_SIZE * ratio
    return crops[..., top : top + side, left : left + side]


class PhotoNet(nn.Module):
    """U-Net at half resolution, behind a space-to-depth stem."""

    feather: Tensor
    reach: Tensor

    def __init__(self, config: PhotoConfig | None = None) -> None:
        super().__init__()
        self.config = config or PhotoConfig()
        w2, w4, w8, w16 = self.config.widths
        self.stem = conv_block(12, w2)
        self.down4 = conv_block(w2, w4, 2)
        self.down8 = conv_block(w4, w8, 2)
        self.down16 = conv_block(w8, w16, 2)
        self.down32 = conv_block(w16, w16, 2)
        self.middle = nn.Sequential(*[_Residual(w16) for _ in range(self.config.middle_blocks)])
        self.up16 = nn.Sequential(conv_block(2 * w16, w16), _Residual(w16))
        self.up8 = nn.Sequential(conv_block(w16 + w8, w8), _Residual(w8))
        self.up4 = nn.Sequential(conv_block(w8 + w4, w4), _Residual(w4))
        self.up2 = conv_block(w4 + w2, self.config.fine)
        self.coarse_motion = nn.Conv2d(w4, _MOTION, 3, 1, 1)
        self.fine_maps = nn.Conv2d(self.config.fine, _MOTION + 3, 3, 1, 1)
        # The maps fade out towards the window's border, so that no edge shows in the crop.
        self.register_buffer("feather", _feather(MAP_SIZE), persistent=False)
        lengthened = reach(MAP_SIZE, MAP_STEP, WINDOW_TOP)
        self.register_buffer("reach", lengthened, persistent=False)
        # Start as the identity: no motion, a mouth that is shut and has no dark line.
        for head in (self.coarse_motion, self.fine_maps):
            nn.init.zeros_(head.weight)
            assert head.bias is not None
            nn.init.zeros_(head.bias)
        with torch.no_grad():
            assert self.fine_maps.bias is not None
            self.fine_maps.bias[_MOTION + 1 : _MOTION + 3] = -3.0

    def forward(self, x: Tensor) -> PhotoMaps:
        """Predict the maps.

        Args:
            x: window of the crop, [B, 3, 192, 192] RGB in [-1, 1].
        """
        half = self.stem(F.pixel_unshuffle(x, 2))
        quarter = self.down4(half)
        eighth = self.down8(quarter)
        sixteenth = self.down16(eighth)
        deep = self.middle(self.down32(sixteenth))
        up = self.up16(torch.cat([_double(deep), sixteenth], 1))
        up = self.up8(torch.cat([_double(up), eighth], 1))
        up = self.up4(torch.cat([_double(up), quarter], 1))
        coarse = self.coarse_motion(up).float()
        coarse = F.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False)
        fine = self.fine_maps(self.up2(torch.cat([_double(up), half], 1))).float()
        motion, line, opening, crease = fine.split([_MOTION, 1, 1, 1], 1)
        motion = torch.tanh(coarse + motion) * self.config.max_flow * self.feather
        if not self.training:  # pairs teach true lengths; `reach` is for what is unlike them
            motion = motion * self.reach
        return PhotoMaps(
            upper=motion[:, :2],
            lower=motion[:, 2:],
            line=torch.tanh(line) * LINE_REACH,
            opening=torch.sigmoid(opening),
            crease=torch.sigmoid(crease),
        )
