"""Patches are cut and put back where the eyes are; only shut eyes are painted."""

from __future__ import annotations

import pytest
import torch

from model_training.photo.config import PatchNetConfig
from model_training.photo.eyes.network import (
    BOX_HEIGHT,
    BOX_LEFT,
    BOX_TOP,
    BOX_WIDTH,
    EyeOpener,
    eye_areas,
    eye_patches,
    eye_rows,
    on_window,
    open_eyes,
    shut_amount,
)
from model_training.photo.network import WINDOW_LEFT, WINDOW_TOP, window_of

SMALL = PatchNetConfig(widths=(4, 6, 8), fine=8, middle_blocks=1)


@pytest.mark.parametrize("ratio", [1, 2, 3, 4])
def test_patches_go_back_to_where_they_came_from(ratio: int) -> None:
    smooth = torch.rand(2, 3, 16, 16)
    crop = torch.nn.functional.interpolate(smooth, size=256 * ratio, mode="bicubic")
    window = window_of(crop)
    patches = eye_patches(window, ratio, WINDOW_TOP, WINDOW_LEFT)
    assert patches.shape == (2, 2, 3, 72, 96)
    assert torch.equal(patches, eye_patches(crop, ratio, 0, 0))
    back = on_window(patches, ratio)
    top, end = eye_rows(ratio)
    assert (top, end - top) == ((BOX_TOP - WINDOW_TOP) * ratio, BOX_HEIGHT * ratio)
    window = window[:, :, top:end]
    assert back.shape == window.shape
    left = (BOX_LEFT - WINDOW_LEFT) * ratio
    for x in (left, window.shape[-1] - left - BOX_WIDTH * ratio):
        box = (..., slice(x, x + BOX_WIDTH * ratio))
        assert (back[box] - window[box]).abs().mean() < 0.01
        back[box] = 0
    assert not back.any()


def test_an_eye_is_opened_only_if_it_is_surely_shut() -> None:
    #                     open  wink  both  slits  shut beside a slit  beside a doubtful one
    right = torch.tensor([-4.0, 4.0, 3.0, -0.8, 3.0, -1.7])
    left = torch.tensor([-4.0, -4.0, 2.0, -1.2, -1.0, 1.4])
    amount = shut_amount(torch.stack([right, left]))
    assert amount[:, 0].tolist() == [0.0, 0.0]
    assert amount[:, 1].tolist() == [1.0, 0.0]
    assert amount[:, 2].tolist() == [1.0, 1.0]
    assert amount[:, 3].tolist() == [0.0, 0.0]
    assert amount[0, 4] == 1.0
    assert 0.5 < amount[1, 4] <= 1.0, "the other one is shut"
    assert amount[1, 5] == 1.0
    assert 0.5 < amount[0, 5] < 1.0, "alone, it would not be opened"


@torch.no_grad()
def test_each_eye_is_judged_by_itself_and_dark_pictures_like_bright_ones() -> None:
    torch.manual_seed(1)
    opener = EyeOpener(SMALL).eval()
    own, other = torch.rand(4, 3, 72, 96) - 0.5, torch.rand(4, 3, 72, 96) - 0.5
    eyes = opener(own, other)
    assert eyes.paint.shape == own.shape
    assert eyes.cover.shape == (4, 1, 72, 96)
    assert eyes.shut.shape == (4,)
    assert eyes.cover[..., 0, :].max() < 0.1, "it fades at the patch's border"
    darker = opener(own * 0.5 - 0.3, other * 0.5 - 0.3)
    assert torch.allclose(darker.shut, eyes.shut, atol=0.1)
    assert torch.allclose(darker.paint, eyes.paint * 0.5 - 0.3, atol=0.1)


@torch.no_grad()
def test_open_eyes_are_not_touched() -> None:
    torch.manual_seed(2)
    opener = EyeOpener(SMALL).eval()
    window = torch.rand(1, 3, 384, 384) * 2 - 1
    last = opener.shut[2]
    last.weight.zero_()
    last.bias.fill_(-4)
    opened = open_eyes(opener, window, 2)
    assert not opened.cover.any()
    assert opened.amount.tolist() == [[0.0], [0.0]]
    last.bias.fill_(4)
    opened = open_eyes(opener, window, 2)
    assert opened.amount.tolist() == [[1.0], [1.0]]
    assert opened.cover.max() > 0.1


def test_each_eye_has_its_area() -> None:
    areas = eye_areas(96)
    assert areas.shape == (2, 1, 96, 96)
    row, right, left = 55 // 2, 61 // 2, 131 // 2
    assert areas[0, 0, row, right] == areas[1, 0, row, left] == 1
    assert areas[0, 0, row, left] == areas[1, 0, row, right] == 0
    assert areas[:, 0, 60:].max() == 0, "the mouth belongs to none"
