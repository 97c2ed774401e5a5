"""The photo network starts as (nearly) the identity, and `render` does what its maps say."""

import pytest
import torch

from model_training.photo.critic import PatchDiscriminator
from model_training.photo.network import (
    PhotoConfig,
    PhotoMaps,
    PhotoNet,
    render,
    warp,
    window_of,
)

TINY = PhotoConfig(widths=(4, 4, 8, 8), middle_blocks=1, refine=4)


def plain_maps(batch: int = 1) -> PhotoMaps:
    return PhotoMaps(
        flow=torch.zeros(batch, 2, 48, 48),
        mask=torch.zeros(batch, 1, 192, 192),
        paint=torch.zeros(batch, 3, 192, 192),
        shade=torch.zeros(batch, 3, 192, 192),
    )


def test_maps_have_the_documented_shapes_and_ranges() -> None:
    maps = PhotoNet(TINY).eval()(torch.rand(2, 3, 192, 192) * 2 - 1)
    assert maps.flow.shape == (2, 2, 48, 48)
    assert maps.mask.shape == (2, 1, 192, 192)
    assert maps.paint.shape == maps.shade.shape == (2, 3, 192, 192)
    assert all(m.dtype == torch.float32 for m in maps)
    assert maps.mask.min() >= 0
    assert maps.mask.max() <= 1


def test_untrained_network_neither_moves_nor_shades() -> None:
    maps = PhotoNet(TINY).eval()(torch.rand(1, 3, 192, 192) * 2 - 1)
    assert maps.flow.abs().max() == 0
    assert maps.shade.abs().max() == 0
    assert maps.mask.max() < 0.2


def test_nothing_changes_at_the_border_of_the_window() -> None:
    network = PhotoNet(TINY).eval()
    torch.nn.init.normal_(network.flow_head.weight)
    torch.nn.init.normal_(network.refine[2].weight)
    maps = network(torch.rand(1, 3, 192, 192) * 2 - 1)
    assert maps.flow[..., 24, 24].abs().max() > 0
    assert maps.flow[..., 0].abs().max() < 0.2 * maps.flow.abs().max()
    for changing in (maps.mask, maps.shade):
        edge = torch.cat([changing[..., 0], changing[..., -1], changing[..., 0, :]], -1)
        assert edge.abs().max() < 0.1 * changing.abs().max()


def test_window_of_crops_scales_with_them() -> None:
    assert window_of(torch.zeros(1, 3, 256, 256)).shape[-2:] == (192, 192)
    crops = torch.arange(1024).expand(1, 3, 1024, 1024)
    window = window_of(crops)
    assert window.shape[-2:] == (768, 768)
    assert window[0, 0, 0, 0] == 128


@pytest.mark.parametrize("size", [192, 384, 768])
def test_zero_flow_is_the_identity_at_every_size(size: int) -> None:
    image = torch.rand(1, 3, size, size) * 2 - 1
    torch.testing.assert_close(render(image, plain_maps()), image, atol=2e-4, rtol=0)


def test_flow_fetches_from_where_it_points() -> None:
    image = torch.rand(1, 3, 192, 192)
    flow = torch.zeros(1, 2, 48, 48)
    flow[:, 0] = 2 * 8 / 192  # eight pixels to the right
    moved = warp(image, flow)
    torch.testing.assert_close(moved[..., :-8], image[..., 8:], atol=1e-4, rtol=0)


def test_mask_lets_paint_through_and_strength_scales_everything() -> None:
    image = torch.zeros(2, 3, 192, 192)
    maps = plain_maps(2)
    maps.mask[..., 100:120, 100:120] = 1
    maps.paint.fill_(0.5)
    maps.shade.fill_(0.1)
    full = render(image[:1], PhotoMaps(*(m[:1] for m in maps)))
    assert full[0, 0, 110, 110] == pytest.approx(0.5)
    assert full[0, 0, 10, 10] == pytest.approx(0.1)
    both = render(image, maps, torch.tensor([0.0, 0.5]))
    assert both[0].abs().max() < 1e-5
    assert both[1, 0, 110, 110] == pytest.approx(0.5 * 0.5 + 0.5 * 0.05)
    assert both[1, 0, 10, 10] == pytest.approx(0.05)


def test_every_parameter_gets_a_gradient() -> None:
    network = PhotoNet(TINY)
    # The heads start at zero, so the layers before them learn from the second step on.
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    image = torch.rand(2, 3, 192, 192)
    (render(image, network(image)) - 1).abs().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_discriminator_scores_patches() -> None:
    scores = PatchDiscriminator(width=4)(torch.zeros(2, 3, 192, 192))
    assert scores.shape == (2, 1, 6, 6)


def test_fine_detail_stays_under_a_thin_coat_and_goes_under_a_thick_one() -> None:
    stripes = (torch.arange(384) % 2 * 0.2 - 0.1).expand(2, 3, 384, 384)
    maps = plain_maps(2)
    maps.shade[0] = 0.1
    maps.mask[1] = 0.9
    out = render(stripes, maps)
    assert out[0].std() == pytest.approx(0.1, rel=0.05)
    assert out[0].mean() == pytest.approx(0.1, abs=1e-3)
    assert out[1].std() < 0.02
