"""Closed eyes are left alone, each by itself."""

from __future__ import annotations

import torch

from model_training.photo.eye_guard import LITTLE, MUCH, EyeGuard
from model_training.photo.network import PhotoMaps

# Centres of the eyes in the 192 px window, by the crop contract.
ROW, RIGHT, LEFT = 55, 61, 131


def maps(right: float, left: float) -> PhotoMaps:
    """Paint of this change on each eye, and on the mouth."""
    mask, shade = torch.zeros(1, 1, 192, 192), torch.zeros(1, 3, 192, 192)
    shade[..., ROW - 25 : ROW + 25, RIGHT - 34 : RIGHT + 34] = right
    shade[..., ROW - 25 : ROW + 25, LEFT - 34 : LEFT + 34] = left
    mask[..., 130:150, 70:120] = 0.9
    flow = torch.full((1, 2, 48, 48), 0.01)
    return PhotoMaps(flow, mask, torch.ones(1, 3, 192, 192), shade)


def test_little_paint_stays_and_much_goes_from_one_eye_alone() -> None:
    before = maps(right=-LITTLE * 0.9, left=-MUCH * 1.1)
    after = EyeGuard()(torch.zeros(1, 3, 192, 192), before)
    assert torch.equal(after.flow[..., :24], before.flow[..., :24])
    assert after.flow[..., ROW // 4, LEFT // 4].abs().max() < 1e-6
    assert torch.equal(after.mask, before.mask), "the mouth is not an eye"
    assert torch.equal(after.shade[..., :96], before.shade[..., :96])
    assert after.shade[..., ROW - 8 : ROW + 8, LEFT - 15 : LEFT + 15].abs().max() < 1e-6


def test_painted_eyes_count_like_shaded_ones_and_fade_between() -> None:
    guard, window = EyeGuard(), torch.zeros(1, 3, 192, 192)
    painted = maps(0.0, 0.0)
    painted.mask[..., ROW - 25 : ROW + 25, RIGHT - 34 : RIGHT + 34] = MUCH
    assert guard(window, painted).mask[0, 0, ROW, RIGHT] == 0
    middle = guard(window, maps((LITTLE + MUCH) / 2, 0.0)).shade[0, 0, ROW, RIGHT]
    assert 0.4 * (LITTLE + MUCH) / 2 < middle < 0.6 * (LITTLE + MUCH) / 2
