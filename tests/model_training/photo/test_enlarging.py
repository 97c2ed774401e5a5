"""Enlarging row by row is what torch's bilinear interpolation is."""

import pytest
import torch
import torch.nn.functional as F

from model_training.photo.enlarging import enlarged


@pytest.mark.parametrize(
    ("few", "many"),
    [
        ((96, 96), (192, 192)),
        ((96, 96), (288, 288)),
        ((96, 96), (768, 768)),
        ((48, 64), (288, 384)),
        ((96, 128),) * 2,
    ],
)
def test_it_is_bilinear(few: tuple[int, int], many: tuple[int, int]) -> None:
    maps = torch.randn(2, 3, *few, generator=torch.Generator().manual_seed(0))
    wanted = F.interpolate(maps, size=many, mode="bilinear", align_corners=False)
    assert torch.allclose(enlarged(maps, *many), wanted, atol=5e-5)


def test_what_is_the_same_everywhere_stays_so() -> None:
    assert torch.equal(enlarged(torch.zeros(1, 2, 96, 96), 576, 576), torch.zeros(1, 2, 576, 576))
    one = enlarged(torch.ones(1, 1, 96, 96), 576, 576)
    assert torch.allclose(one, torch.ones_like(one), atol=1e-6)
