"""The photo network starts as the identity and keeps to its contract."""

import torch

from model_training.photo.config import PhotoConfig
from model_training.photo.network import LINE_REACH, PhotoNet, window_of
from model_training.photo.render import render

TINY = PhotoConfig(widths=(4, 4, 8, 8), middle_blocks=1, fine=8)


def test_maps_have_the_documented_shapes_and_ranges() -> None:
    maps = PhotoNet(TINY).eval()(torch.rand(2, 3, 192, 192) * 2 - 1)
    assert maps.upper.shape == maps.lower.shape == (2, 2, 96, 96)
    assert maps.line.shape == maps.opening.shape == maps.crease.shape == (2, 1, 96, 96)
    assert all(m.dtype == torch.float32 for m in maps)


def test_untrained_network_changes_nothing() -> None:
    image = torch.rand(1, 3, 192, 192) * 2 - 1
    maps = PhotoNet(TINY).eval()(image)
    assert maps.upper.abs().max() == maps.lower.abs().max() == 0
    assert maps.opening.max() < 0.1
    assert maps.crease.max() < 0.1


def test_nothing_changes_at_the_border_of_the_window() -> None:
    network = PhotoNet(TINY).eval()
    for head in (network.coarse_motion, network.fine_maps):
        torch.nn.init.normal_(head.weight)
    maps = network(torch.rand(1, 3, 192, 192) * 2 - 1)
    assert maps.line.abs().max() <= LINE_REACH
    for changing in (maps.upper, maps.lower):
        edge = torch.cat([changing[..., 0], changing[..., -1], changing[..., 0, :]], -1)
        assert 0 < edge.abs().max() < 0.2 * changing.abs().max()


def test_window_of_crops_scales_with_them() -> None:
    assert window_of(torch.zeros(1, 3, 256, 256)).shape[-2:] == (192, 192)
    crops = torch.arange(1024).expand(1, 3, 1024, 1024)
    window = window_of(crops)
    assert window.shape[-2:] == (768, 768)
    assert window[0, 0, 0, 0] == 128


def test_every_parameter_gets_a_gradient() -> None:
    network = PhotoNet(TINY)
    # The heads start at zero, so the layers before them learn from the second step on.
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    image = torch.rand(2, 3, 192, 192)
    maps = network(image)
    loss = (render(image, maps) - 1).abs().mean() + maps.opening.mean()
    loss.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
