"""Painted lips are held to the redness of the photograph's own; the rest keeps its colour."""

from __future__ import annotations

import pytest
import torch

from model_training.photo.lip_colour import LipColour

SKIN, LIPS, MAGENTA = (0.4, 0.1, 0.0), (0.3, -0.3, -0.3), (0.5, -0.9, -0.2)


def face(ratio: int, mouth: tuple[float, float, float]) -> torch.Tensor:
    """A window of skin with a mouth of this colour, [1, 3, 192 * ratio, 192 * ratio]."""
    image = torch.tensor(SKIN).view(1, 3, 1, 1).expand(1, 3, 192 * ratio, 192 * ratio).clone()
    image[:, :, 126 * ratio : 140 * ratio, 76 * ratio : 116 * ratio] = torch.tensor(mouth).view(
        1, 3, 1, 1
    )
    return image


@pytest.mark.parametrize("ratio", [1, 2])
def test_magenta_lips_become_as_red_as_the_photographs(ratio: int) -> None:
    colour = LipColour()
    seen, window, output = face(1, LIPS), face(ratio, LIPS), face(ratio, MAGENTA)
    share = colour(seen, window, output)
    grey = (output * colour.luma).sum(1, keepdim=True)
    held = grey + share * (output - grey)
    at = (0, 0, 132 * ratio, 96 * ratio)
    assert colour.redness(output)[at] > 1.5 * colour.redness(window)[at]
    assert colour.redness(held)[at] == pytest.approx(float(colour.redness(window)[at]), rel=0.02)
    outside = share.clone()
    outside[:, :, 126 * ratio : 140 * ratio, 76 * ratio : 116 * ratio] = 1
    assert (outside == 1).all(), "skin keeps its colour"


def test_what_was_red_before_stays() -> None:
    colour = LipColour()
    photo = face(1, MAGENTA)
    assert (colour(photo, photo, photo) == 1).all(), "lipstick, untouched"
    pimple = face(1, LIPS)
    pimple[:, :, 150, 90] = torch.tensor(MAGENTA)
    assert (colour(pimple, pimple, pimple) == 1).all()


def test_eyes_may_be_as_red_as_they_like() -> None:
    photo = face(1, LIPS)
    output = photo.clone()
    output[:, :, 40:60, 50:80] = torch.tensor(MAGENTA).view(1, 3, 1, 1)
    assert (LipColour()(photo, photo, output) == 1).all()
