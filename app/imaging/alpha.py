"""Photographs with transparency: shown to the networks on white, given back as they were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Cutout:
    """A picture with transparency.

    Attributes:
        colours: uint8 RGB [H, W, 3], not multiplied by the alpha; also what nobody sees.
        alpha: uint8 [H, W], 0 is transparent.
    """

    colours: Image
    alpha: Image


def on_white(cutout: Cutout) -> Image:
    """The picture as a viewer shows it on white, uint8 RGB [H, W, 3]."""
    share = cutout.alpha.astype(np.uint16)[..., None]
    # Rounded; where the alpha is 255 this is the colour itself.
    return ((cutout.colours * share + 255 * (255 - share) + 127) // 255).astype(np.uint8)


def given_back(cutout: Cutout, edited: Image, mask: Image) -> Image:
    """The cut-out with what was edited on white in it, uint8 RGBA [H, W, 4].

    Args:
        cutout: as it came.
        edited: its picture on white after the edit, uint8 RGB [H, W, 3].
        mask: 0 where nothing was edited: there colours and alpha are the cut-out's own.
    """
    answer = np.dstack([cutout.colours, cutout.alpha])
    where = (mask > 0) & (cutout.alpha > 0)
    share = cutout.alpha[where].astype(np.float32)[:, None] / 255
    # The colour that shows as the edit when it is laid on white with the same alpha.
    colours = (edited[where].astype(np.float32) - 255 * (1 - share)) / share
    answer[where, :3] = np.clip(np.rint(colours), 0, 255).astype(np.uint8)
    return answer
