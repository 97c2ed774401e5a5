"""Weak shade brings light and no texture; strong shade draws."""

from __future__ import annotations

import torch

from model_training.photo.network import PhotoMaps
from model_training.photo.soft_shade import STRONG, WEAK, soft_shade


def maps(shade: torch.Tensor) -> PhotoMaps:
    """Maps of nothing but this shade [192, 192], the same in all channels."""
    nothing = torch.zeros(1, 3, 192, 192)
    grey = shade[None, None].expand(1, 3, -1, -1)
    return PhotoMaps(torch.zeros(1, 2, 48, 48), nothing[:, :1], nothing, grey)


def test_a_mole_is_not_shaded_away_and_a_cheek_is() -> None:
    shade = torch.full((192, 192), 0.1)
    shade[100, 60] = 0.18
    after = soft_shade(maps(shade)).shade[0, 0]
    assert abs(float(after[100, 60]) - 0.1) < 0.01
    assert torch.allclose(after[20:40, 20:40], torch.tensor(0.1), atol=1e-5)
    assert abs(float(after.mean()) - float(shade.mean())) < 3e-4, "no light is lost"


def test_the_line_between_lips_stays_sharp() -> None:
    shade = torch.zeros(192, 192)
    shade[128:132, 70:120] = -3 * STRONG
    after = soft_shade(maps(shade)).shade[0, 0]
    assert torch.allclose(after[128:132, 75:115], shade[128:132, 75:115])
    assert after[:126].abs().max() < 0.02, "it has no halo"
    assert not after[:100].any()


def test_the_other_maps_are_not_touched() -> None:
    before = maps(torch.full((192, 192), WEAK / 2))
    before.mask[:] = 0.3
    after = soft_shade(before)
    assert torch.equal(after.flow, before.flow)
    assert torch.equal(after.mask, before.mask)
    assert torch.equal(after.paint, before.paint)
