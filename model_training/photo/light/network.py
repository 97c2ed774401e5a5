"""The network for light: what an expression's folds and bulges leave when skin is back in place.

Motion takes a smile's corners down; the fold beside the nose, the dimple and the shine of a raised
cheek come along. This network looks at the moved face, and at how it moved, and answers with light
in stops: it multiplies, so that pores, moles and stubble stay. A small picture is
enough, as shade is smooth. The ratio of two photographs of a face as the light of an expression:
Liu, Shan & Zhang, Expressive expression mapping with ratio images, SIGGRAPH 2001.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_training.photo.config import PatchNetConfig
from model_training.photo.light.config import LIGHT_NET
from model_training.photo.network import LINE_REACH, MAP_SIZE, MAP_STEP, WINDOW_SIZE
from model_training.photo.patch_net import STEP, PatchNet, evened
from model_training.photo.render import Composed, enlarge, fetch
from model_training.portraits.luma import LUMA

STOPS = 1.0
"""Light that is added or taken at most."""
FAINT = 0.015
"""Stops that are left out when served, about a grey level: beside the face pixels stay."""
_COARSE = 4
"""Values of the maps whose mean is one colour; three of these across are what is around a fold."""
_WHOLLY, _MOST = 0.25, 0.12
"""Stops of light from which on it takes all of it, and by which a colour changes at most: a deep
fold whose colour went before its darkness is grey. Chosen by eye on people of London and LFW."""
_FAR = 8.0
"""Pixels of the window that count as 1 to the network."""


class Moved(NamedTuple):
    """A face after its motion, at the maps' resolution.

    Attributes:
        face: [B, 3, 96, 96] RGB in [-1, 1].
        flow: [B, 2, 96, 96], where it was fetched from, in `grid_sample` units.
        motion: [B, 4, 96, 96], both layers' flows, the same.
        line: [B, 1, 96, 96], signed distance to the lip line in pixels of the window.
    """

    face: Tensor
    flow: Tensor
    motion: Tensor
    line: Tensor


def at_maps(window: Tensor) -> Tensor:
    """A window [B, 3, 192, 192] at the maps' resolution."""
    return F.avg_pool2d(window, MAP_STEP)


def moved_face(small: Tensor, motion: Composed) -> Moved:
    """What the motion makes of a window.

    Args:
        small: [B, 3, 96, 96] in [-1, 1], see `at_maps`.
        motion: as composed.
    """
    flow = torch.where(motion.line > 0, motion.lower, motion.upper)
    both = torch.cat([motion.upper, motion.lower], 1)
    return Moved(fetch(small, flow), flow, both, motion.line)


class LightNet(PatchNet):
    """The light that a face lacks which was moved to neutral."""

    def __init__(self, config: PatchNetConfig = LIGHT_NET) -> None:
        super().__init__((3 + 4 + 1) * STEP**2, 1, (MAP_SIZE, MAP_SIZE), config)
        # Start as the identity.
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(self, face: Tensor, motion: Tensor, line: Tensor) -> Tensor:
        """Look at moved faces; see `Moved`.

        Returns:
            Light in stops, float32 [B, 1, 96, 96] in [-1, 1]; fades out at the border.
        """
        mean, spread = evened(face)
        moved = motion * (WINDOW_SIZE / 2 / _FAR)
        near = line.clamp(-LINE_REACH, LINE_REACH) / LINE_REACH
        seen = torch.cat([(face - mean) / spread, moved, near], 1)
        stops, _ = self.paint(F.pixel_unshuffle(seen, STEP))
        return torch.tanh(stops / STOPS) * STOPS * self.border


def light_of(network: LightNet, small: Tensor, motion: Composed) -> Tensor:
    """The light that is served, of a window and its motion; arguments as of `moved_face`."""
    moved = moved_face(small, motion)
    found: Tensor = network(moved.face, moved.motion, moved.line)
    return coloured_as_around(moved.face, found - found.clamp(-FAINT, FAINT))


def coloured_as_around(face: Tensor, stops: Tensor) -> Tensor:
    """Light for red, green and blue, such that what is lit takes the colour around it.

    In a fold light goes from skin to skin and becomes redder. Lit by white light alone, it would
    be a bright red line; a small photograph's are redder still.

    Args:
        face: [B, 3, 96, 96] in [-1, 1], what is lit.
        stops: [B, 1, 96, 96].

    Returns:
        Stops [B, 3, 96, 96].
    """
    luma = torch.tensor(LUMA, device=face.device).view(1, 3, 1, 1)
    light = (face + 1).clamp(min=0) / 2 + 0.02
    colour = torch.log2(light / (light * luma).sum(1, keepdim=True))
    share = (stops / _WHOLLY).clamp(0, 1)
    own = 1.05 - share
    coarse = F.avg_pool2d(torch.cat([colour * own, own], 1), _COARSE)
    around = enlarge(F.avg_pool2d(F.pad(coarse, (1, 1, 1, 1), mode="replicate"), 3, 1), MAP_SIZE)
    colours, weight = around.split([3, 1], 1)
    change: Tensor = (colours / weight - colour).clamp(-_MOST, _MOST)
    return stops + share * change
