"""Reducing is averaging, whatever the steps, and says what it leaves out."""

from __future__ import annotations

import numpy as np
import pytest

from app.faces.reduction import reduced, trimmed


@pytest.mark.parametrize("whole", [1, 2, 3, 4, 6, 8])
def test_whole_numbers_are_means_of_blocks(whole: int) -> None:
    draw = np.random.default_rng(whole)
    image = draw.integers(0, 256, (7 * whole + whole // 2, 5 * whole, 3), np.uint8)
    small = reduced(image, (5, 7))
    blocks = image[: 7 * whole].reshape(7, whole, 5, whole, 3).mean((1, 3))
    assert small.shape == (7, 5, 3)
    assert np.abs(small - blocks).max() <= 1.5, "rounded at every step"
    used = trimmed(image, (5, 7))
    assert used.shape == (7 * whole, 5 * whole, 3)
    assert np.array_equal(reduced(used, (5, 7)), small)


def test_what_lies_between_whole_numbers_keeps_its_place() -> None:
    ramp = np.repeat(np.linspace(0, 250, 501)[None, :, None], 401, 0).repeat(3, 2)
    small = reduced(ramp.astype(np.uint8), (113, 90))
    wanted = (np.arange(113) + 0.5) * (501 / 113) * 0.5
    assert np.abs(small[40, :, 0] - wanted).max() < 1.5
