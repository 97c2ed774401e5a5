"""The lip line is found where the photograph is dark."""

from __future__ import annotations

import pytest
import torch

from model_training.photo.lips.line import on_the_dark

HEIGHT, WIDTH = 96, 128


@pytest.mark.parametrize("bright", [0.5, -0.6])
def test_the_line_comes_to_lie_on_the_dark_one(bright: float) -> None:
    y = torch.arange(HEIGHT).float().view(1, 1, -1, 1)
    x = torch.arange(WIDTH).float().view(1, 1, 1, -1)
    true = 50 + 3 * torch.sin(x / 25)
    picture = bright - 0.15 * torch.exp(-(((y - true) / 1.2) ** 2)).expand(1, 3, -1, -1)
    aside = ((x - 64).abs() - 28).expand(1, 1, HEIGHT, WIDTH)
    for off in (-2.0, 0.0, 1.5):
        found = on_the_dark(picture, y - true - off, aside)
        between = slice(40, 88)
        error = (found - (y - true))[..., between].abs()
        assert error.max() < 0.6
        assert error.mean() < 0.35


def test_even_skin_moves_no_line() -> None:
    line = (torch.arange(HEIGHT).float() - 40).view(1, 1, -1, 1).expand(1, 1, -1, WIDTH)
    even = torch.full((1, 3, HEIGHT, WIDTH), 0.2)
    assert torch.allclose(on_the_dark(even, line, line * 0 - 10), line, atol=1e-4)


def test_lips_edges_and_what_lies_beyond_the_corners_do_not_move_it() -> None:
    y = torch.arange(HEIGHT).float().view(1, 1, -1, 1)
    x = torch.arange(WIDTH).float().view(1, 1, 1, -1)
    line = (y - 50).expand(1, 1, -1, WIDTH)
    # The shade under a lower lip is darker than the line, and a beard beyond the corners as well.
    dark = 0.1 * torch.exp(-(((y - 50) / 1.2) ** 2)) + 0.4 * torch.exp(-(((y - 62) / 2) ** 2))
    beard = 0.6 * torch.exp(-(((y - 48) / 2) ** 2)) * ((x - 64).abs() > 40)
    picture = (0.4 - dark - beard).expand(1, 3, -1, -1)
    aside = ((x - 64).abs() - 30).expand(1, 1, HEIGHT, WIDTH)
    moved = (on_the_dark(picture, line, aside) - line)[..., 44:84]
    assert moved.abs().max() < 0.5
