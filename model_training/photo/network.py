"""`photo`: a U-Net that moves a photograph's own pixels to neutral and paints only what is missing.

The face never passes a bottleneck: the network looks at a small copy of the face and answers with
four maps, which `render` applies to the photograph at its own resolution. Pores, hair and identity
therefore survive, because they are the photograph's.

The network does not see the whole crop but a window of it: 192 of 256 px, which hold everything an
expression moves (brows to chin, ear to ear). It costs 0.56 of the crop, and nothing outside the
window can change.

    flow    where each output pixel is fetched from
    mask    where content must be invented (closed lips where teeth were, opened lids)
    paint   the invented colours
    shade   light to add without touching texture (a fold that goes, a cheek that sinks)
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_training.photo.config import PhotoConfig

CROP_SIZE = 256
"""Side of the crop (see `app.faces.alignment`) at which the network works, in pixels."""
WINDOW_SIZE = 192
"""Side of the window of that crop which the network sees."""
WINDOW_TOP, WINDOW_LEFT = 58, 32
"""Where the window begins, in pixels of the 256 px crop."""
THIN_COAT, THICK_COAT = 0.25, 0.55
"""Paint or shade (grey range [-1, 1]) under which, and from which on, fine detail stays or goes."""
_FEATHER = 12


class PhotoMaps(NamedTuple):
    """What the network answers, all float32.

    Attributes:
        flow: [B, 2, 48, 48], (x, y) displacement in `grid_sample` units of the window.
        mask: [B, 1, 192, 192] in [0, 1].
        paint: [B, 3, 192, 192], colours (not clamped).
        shade: [B, 3, 192, 192], added to warped pixels.
    """

    flow: Tensor
    mask: Tensor
    paint: Tensor
    shade: Tensor


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


def _feather(size: int, width: int) -> Tensor:
    """[1, 1, size, size]: 1 inside, falling to 0 over `width` pixels at the border."""
    line = torch.arange(size, dtype=torch.float32) + 0.5
    ramp = (torch.minimum(line, size - line) / width).clamp(0, 1)
    return (ramp[:, None] * ramp[None])[None, None]


def window_of(crops: Tensor) -> Tensor:
    """The window the network is meant for, of crops [..., S, S] with S a multiple of 256."""
    ratio = crops.shape[-1] // CROP_SIZE
    top, left, side = WINDOW_TOP * ratio, WINDOW_LEFT * ratio, WINDOW_SIZE * ratio
    return crops[..., top : top + side, left : left + side]


class PhotoNet(nn.Module):
    """U-Net at half resolution (behind a space-to-depth stem), refined at full resolution."""

    feather: Tensor
    feather_flow: Tensor

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
        self.flow_head = nn.Conv2d(w4, 2, 3, 1, 1)
        self.refine = nn.Sequential(
            nn.Conv2d(self.config.fine // 4 + 3, self.config.refine, 3, 1, 1),
            nn.LeakyReLU(0.1, inplace=True),
            nn.Conv2d(self.config.refine, 7, 3, 1, 1),
        )
        # The maps fade out towards the window's border, so that no edge shows in the crop.
        self.register_buffer("feather", _feather(WINDOW_SIZE, _FEATHER), persistent=False)
        self.register_buffer(
            "feather_flow", _feather(WINDOW_SIZE // 4, _FEATHER // 4), persistent=False
        )
        # Start as the identity: no flow, no shade, and a mask that is mostly shut.
        last = self.refine[2]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        assert self.flow_head.bias is not None
        for head in (self.flow_head, last):
            nn.init.zeros_(head.weight)
        nn.init.zeros_(self.flow_head.bias)
        with torch.no_grad():
            last.bias.copy_(torch.tensor([0.0, 0, 0, -2.0, 0, 0, 0]))

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
        flow = torch.tanh(self.flow_head(up).float()) * self.config.max_flow
        flow = flow * self.feather_flow
        up = self.up2(torch.cat([_double(up), half], 1))
        # What the warp brings is shown to the refinement, so that paint continues its texture.
        warped = warp(x, flow)
        out = self.refine(torch.cat([F.pixel_shuffle(up, 2), warped.to(up.dtype)], 1)).float()
        return PhotoMaps(
            flow=flow,
            mask=torch.sigmoid(out[:, 3:4]) * self.feather,
            paint=out[:, :3],
            shade=out[:, 4:7] * self.feather,
        )


def warp(image: Tensor, flow: Tensor, mode: str = "bilinear") -> Tensor:
    """Fetch each pixel of `image` [B, C, S, S] from where `flow` [B, 2, h, w] points (float32).

    `mode` is `grid_sample`'s: bilinear for training; bicubic keeps more detail and costs more.
    """
    size = image.shape[-1]
    full = F.interpolate(flow, size=image.shape[-2:], mode="bilinear", align_corners=False)
    # float32 positions: in half precision a 1024 px grid could not name its own pixels.
    line = (torch.arange(size, dtype=torch.float32, device=image.device) + 0.5) * (2.0 / size) - 1.0
    grid_x = line.view(1, 1, size).expand(1, size, size) + full[:, 0]
    grid_y = line.view(1, size, 1).expand(1, size, size) + full[:, 1]
    return F.grid_sample(
        image.float(),
        torch.stack([grid_x, grid_y], -1),
        mode=mode,
        padding_mode="border",
        align_corners=False,
    )


def render(
    image: Tensor, maps: PhotoMaps, strength: Tensor | None = None, mode: str = "bilinear"
) -> Tensor:
    """Apply the maps to a window at its own resolution.

    Args:
        image: [B, 3, S, S] RGB in [-1, 1], any S.
        maps: from `PhotoNet` on the 192 px copy of the same window.
        strength: [B] in [0, 1]; 0 leaves the window as it is. None is 1.
        mode: how the warp samples, see `warp`.

    Returns:
        The neutral window, float32 [B, 3, S, S] (not clamped).
    """
    flow, mask, paint, shade = maps
    if strength is not None:
        amount = strength.view(-1, 1, 1, 1)
        flow, mask, shade = flow * amount, mask * amount, shade * amount
    warped = warp(image, flow, mode)
    size, side = mask.shape[-1], image.shape[-1]
    if side == size:
        return mask * paint + (1.0 - mask) * (warped + shade)
    # The network worked at 192 px and had no say about finer detail: pores and stubble under a
    # thin coat stay. Where the coat is thick something is being replaced, teeth by lips, and its
    # detail has to go too.
    ratio = side // size
    blocks = warped.reshape(warped.shape[0], 3, size, ratio, size, ratio)
    coarse = _enlarge(blocks.mean(dim=(3, 5)), side)
    coat = torch.maximum(mask, shade.abs().amax(1, keepdim=True))
    thickness = ((coat - THIN_COAT) / (THICK_COAT - THIN_COAT)).clamp(0, 1)
    kept = _enlarge(1 - thickness * thickness * (3 - 2 * thickness), side)
    mask, paint, shade = (_enlarge(m, side) for m in (mask, paint, shade))
    return mask * paint + (1.0 - mask) * (coarse + shade) + kept * (warped - coarse)


def _enlarge(maps: Tensor, side: int) -> Tensor:
    return F.interpolate(maps, size=(side, side), mode="bilinear", align_corners=False)
