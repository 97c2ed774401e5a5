"""The `classic` networks: published sizes, ranges, options."""

from __future__ import annotations

import math

import pytest
import torch

from model_training.classic.networks import (
    ClassicConfig,
    ClassicNet,
    Decoder,
    Discriminator,
    Encoder,
    Enhancer,
    Neutralizer,
    Sharpen,
    sample_latent,
)
from model_training.classic.networks.layers import make_prelu

TINY = ClassicConfig(
    image_size=32,
    latent=6,
    encoder_widths=(4, 4, 8, 8),
    decoder_widths=(8, 4, 4, 4),
    enhancer_width=4,
    discriminator_dense=8,
)


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_default_sizes_are_the_papers() -> None:
    config = ClassicConfig()
    # Unpadded 3x3 convolutions of stride 2: 112 -> 55 -> 27 -> 13 -> 6.
    assert config.encoded_size == 6
    convolutions = 9 * (32 + 32 * 64 + 64 * 128 + 128 * 256) + 2 * (32 + 64 + 128 + 256)
    assert parameters(Encoder(config)) == convolutions + 256 * 36 * 200 + 200
    assert parameters(Neutralizer(config.latent)) == 100 * 100 + 100
    transposed = 16 * (256 * 128 + 128 * 64 + 64 * 32 + 32 * 16) + 9 * 16
    norms = 2 * (256 + 128 + 64 + 32 + 16)
    assert parameters(Decoder(config)) == 100 * 12544 + 12544 + transposed + norms
    # Four of the enhancer's five inner activations are PReLUs with a slope a pixel.
    slopes = 4 * 32 * 112 * 112
    assert parameters(Enhancer(config)) == 9 * (32 + 4 * 1024 + 32) + 5 * 64 + slopes


@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_and_ranges(channels: int) -> None:
    torch.manual_seed(0)
    config = ClassicConfig.from_dict({**TINY.to_dict(), "channels": channels})
    image = torch.rand(3, channels, 32, 32) * 2 - 1
    mu, logvar = Encoder(config)(image)
    assert mu.shape == logvar.shape == (3, 6)
    decoded = Decoder(config)(mu * 100)
    enhanced = Enhancer(config)(decoded)
    assert decoded.shape == enhanced.shape == image.shape
    assert decoded.abs().max() <= 1
    assert enhanced.abs().max() <= 1
    assert Discriminator(config)(image).shape == (3,)


def test_config_survives_storage_and_refuses_nonsense() -> None:
    assert ClassicConfig.from_dict(TINY.to_dict()) == TINY
    for wrong in ({"image_size": 100}, {"image_size": 16}, {"channels": 2}, {"latent": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            ClassicConfig(**wrong)


def test_sampling_follows_equation_12() -> None:
    epsilon = torch.randn(2, 3, generator=torch.Generator().manual_seed(1))
    mu, logvar = torch.full((2, 3), 5.0), torch.full((2, 3), math.log(4.0))
    assert torch.allclose(sample_latent(mu, logvar, lambda _: epsilon), 5 + 2 * epsilon)


def test_neutralizer_starts_as_the_identity() -> None:
    mu = torch.randn(4, 6)
    network = Neutralizer(6)
    assert torch.equal(network(mu), mu)
    network.init_published()
    assert network.dense.weight.std().item() == pytest.approx(0.02, rel=0.4)


@pytest.mark.parametrize(("kind", "slopes"), [("pixel", 2 * 16), ("channel", 2), ("shared", 1)])
def test_prelu_kinds(kind: str, slopes: int) -> None:
    prelu = make_prelu(kind, 2, 4)  # type: ignore[arg-type]
    assert parameters(prelu) == slopes
    with torch.no_grad():
        next(prelu.parameters()).fill_(0.25)
    x = torch.tensor([-2.0, 3.0]).view(1, 2, 1, 1).expand(1, 2, 4, 4)
    assert torch.equal(prelu(x)[0, :, 0, 0], torch.tensor([-0.5, 3.0]))


def test_spectral_norm_bounds_the_discriminators_layers() -> None:
    torch.manual_seed(0)
    config = ClassicConfig.from_dict({**TINY.to_dict(), "spectral_norm": True})
    network = Discriminator(config)
    for _ in range(30):  # one power iteration each
        network(torch.randn(2, 1, 32, 32))
    for layer in (network.convolutions[0], network.score):
        norm = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)
        assert norm.item() == pytest.approx(1.0, abs=0.02)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules())


def test_sharpening_keeps_flat_areas_and_steepens_edges() -> None:
    flat = torch.full((1, 3, 5, 5), 0.3)
    assert torch.allclose(Sharpen(1.0)(flat), flat)
    step = torch.zeros(1, 1, 5, 6)
    step[..., 3:] = 0.5
    # Left of the edge: 5 * 0 - 0.5; right of it: 5 * 0.5 - 3 * 0.5 - 0 = 1.
    assert Sharpen(1.0)(step)[0, 0, 2].tolist() == [0.0, 0.0, -0.5, 1.0, 0.5, 0.5]
    assert torch.equal(Sharpen(0.0)(step), step)


def test_strength_moves_the_latent_from_reconstruction_to_neutral() -> None:
    torch.manual_seed(0)
    net = ClassicNet(TINY).eval()
    net.neutralizer.dense.bias.data += 3.0
    image = torch.rand(1, 1, 32, 32) * 2 - 1
    with torch.no_grad():
        at = {s: net(image, torch.tensor([s])) for s in (0.0, 0.5, 1.0)}
        assert torch.allclose(at[0.0], net.sharpen(net.reconstruct(image)[1]))
        mu, _ = net.encoder(image)
        half = net.sharpen(net.enhancer(net.decoder(mu + 1.5)))
        assert torch.allclose(at[0.5], half, atol=1e-5)
        assert not torch.allclose(at[0.0], at[1.0])
