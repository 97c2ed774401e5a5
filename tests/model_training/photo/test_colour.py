"""A black-and-white photograph is told from one with colours, and gets none."""

from __future__ import annotations

import pytest
import torch

from model_training.photo.colour import coloured, without_colour


def test_a_photograph_has_colour_or_none() -> None:
    grey = torch.linspace(-1, 1, 64).view(1, 1, 8, 8).expand(1, 3, 8, 8)
    # A scan's channels differ by a tenth of a level; skin's by dozens.
    tint = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1) / 127.5
    photographs = torch.cat([grey, grey + 0.1 * tint, grey + 0.375 * tint, grey + 30 * tint])
    assert coloured(photographs).shape == (4, 1, 1, 1)
    assert coloured(photographs).flatten().tolist() == pytest.approx([0, 0, 0.5, 1], abs=1e-3)


def test_colour_goes_and_luma_stays() -> None:
    red = torch.tensor([0.5, 0.1, 0.1]).view(1, 3, 1, 1)
    assert torch.allclose(without_colour(red, torch.ones(1, 1, 1, 1)), red)
    grey = without_colour(red, torch.zeros(1, 1, 1, 1))
    assert grey.flatten().tolist() == pytest.approx([0.1 + 0.4 * 0.299] * 3, abs=1e-4)
