"""`render` does what its maps say, in training and in serving, at every size."""

import pytest
import torch

from model_training.photo.network import MAP_SIZE
from model_training.photo.render import (
    DARKEST,
    REGIONS,
    compose,
    fetch,
    region_shares,
    render,
    without_tremor,
)
from model_training.photo.sharp import (
    SHOWN_BLUR,
    SHOWN_WIDTH,
    fetch_sharp,
    render_sharp,
)
from tests.model_training.photo.maps import lines, plain_maps

PIXEL = 2 / 192
ALL = torch.ones(1, 1, MAP_SIZE, MAP_SIZE)


@pytest.mark.parametrize("size", [192, 384, 768])
def test_plain_maps_are_the_identity_at_every_size(size: int) -> None:
    image = torch.rand(1, 3, size, size) * 2 - 1
    torch.testing.assert_close(render(image, plain_maps()), image, atol=2e-4, rtol=0)
    torch.testing.assert_close(render_sharp(image, plain_maps(), ALL), image, atol=2e-4, rtol=0)


def test_flow_fetches_from_where_it_points() -> None:
    image = torch.rand(1, 3, 192, 192)
    flow = torch.zeros(1, 2, 192, 192)
    flow[:, 0] = 8 * PIXEL  # to the right
    moved = fetch(image, flow)
    torch.testing.assert_close(moved[..., :-8], image[..., 8:], atol=1e-4, rtol=0)


def test_a_mouth_closes_without_its_teeth() -> None:
    """Skin, a white opening, skin: both layers move to its middle, none of it is left."""
    image = torch.full((1, 3, 384, 384), -0.2)
    image[..., 172:212, :] = 1.0
    maps = plain_maps()._replace(line=lines(96.0).clamp(-10, 10))
    maps.upper[:, 1], maps.lower[:, 1] = -12 * PIXEL, 12 * PIXEL
    out = render_sharp(image, maps, ALL)
    # Bicubic reaches two pixels, the enlarged maps one value of theirs.
    assert (out[..., 150:234, :] < 0).all()
    assert image[..., 192, 192].max() == 1, "the input is not modified"


def test_a_pixel_from_the_opening_takes_the_other_layer_or_the_dark() -> None:
    maps = plain_maps()._replace(line=lines(96.0).clamp(-10, 10))
    maps.opening[:, :, 40:44] = 1.0  # above the line, where only the upper layer fetches
    moved = compose(maps)
    assert (moved.line[:, :, 41:43] > maps.line[:, :, 41:43]).all() or (
        moved.gap[:, :, 41:43] > 0.5
    ).all(), "both layers show teeth there: dark"
    maps.lower[:, 1] = 30 * PIXEL
    moved = compose(maps)
    near = slice(46, 48)
    maps.opening[:, :, near] = 1.0
    moved = compose(maps)
    assert (moved.line[:, :, near] > 0).all(), "the lower layer has lip there"
    assert moved.gap[:, :, near].max() < 0.1


def test_motion_of_fractions_of_a_pixel_is_none_and_real_motion_is_whole() -> None:
    maps = plain_maps()
    maps.upper[:, 0, :10] = 0.04 * PIXEL
    maps.upper[:, 1, 40:], maps.lower[:, 0, 40:] = 3 * PIXEL, 0.01 * PIXEL
    still = without_tremor(maps)
    assert still.upper[..., :10, :].abs().max() == 0
    assert torch.equal(still.upper[..., 40:, :], maps.upper[..., 40:, :])
    assert torch.equal(still.lower[..., 40:, :], maps.lower[..., 40:, :]), "layers stay together"
    assert still.line is maps.line


def test_light_multiplies() -> None:
    image = torch.tensor([0.0, -1.0, 0.5]).view(1, 3, 1, 1).expand(1, 3, 192, 192)
    stops = torch.full((1, 1, MAP_SIZE, MAP_SIZE), 0.5)
    out = render_sharp(image, plain_maps(), ALL, stops=stops)[0, :, 10, 10]
    torch.testing.assert_close(out, torch.tensor([1.0, 0.0, 1.5]) * 2**0.5 - 1)


def test_the_line_is_dark() -> None:
    image = torch.zeros(1, 3, 192, 192)
    maps = plain_maps()._replace(line=lines(96.0).clamp(-10, 10))
    maps.crease.fill_(1.0)
    out = render(image, maps)
    assert out[0, 0, 95:97, 96].min() < -DARKEST / 3
    assert out[0, 0, 80, 96].item() == pytest.approx(0, abs=1e-4)


def creased(size: int, amount: float = 1.0, coloured: float = 1.0) -> torch.Tensor:
    """The middle column of a mid grey picture with a line across, [3, S]."""
    maps = plain_maps()._replace(line=lines(120.0).clamp(-10, 10))
    maps.crease.fill_(1.0)
    image = torch.zeros(1, 3, size, size)
    colour = torch.full((1, 1, 1, 1), coloured)
    return render_sharp(image, maps, amount * ALL, colour)[0, :, :, size // 2]


@pytest.mark.parametrize("size", [192, 384, 768])
def test_the_line_that_is_served_is_dark_red_and_no_thinner_than_pixels(size: int) -> None:
    line = creased(size)
    red, green, blue = line.amin(1)
    assert -0.6 < red < -0.4
    assert green < blue < red - 0.3
    width = (line[1] < green / 2).sum()
    # Half of its depth is reached 0.83 half widths from its middle.
    assert width == pytest.approx(2 * 0.83 * (SHOWN_WIDTH * size / 192 + SHOWN_BLUR), abs=2)
    assert line[:, : size // 2].abs().max() < 1e-4, "far from the line nothing changes"


def test_half_a_change_has_a_faint_line_and_grey_stays_grey() -> None:
    whole, half = creased(384).amin(1), creased(384, amount=0.5).amin(1)
    torch.testing.assert_close(half, whole / 4, atol=0.01, rtol=0)
    grey = creased(384, coloured=0.0)
    assert torch.equal(grey[0], grey[1])
    assert torch.equal(grey[0], grey[2])
    assert grey.min() < -0.6


@pytest.mark.parametrize("size", [192, 384])
def test_lips_that_came_together_meet_softly_and_others_stay(size: int) -> None:
    image = torch.full((1, 3, size, size), -0.4)
    image[..., size // 2 :, :] = 0.4  # a light lower lip
    maps = plain_maps()._replace(line=lines(96.0).clamp(-10, 10))
    torch.testing.assert_close(render_sharp(image, maps, ALL), image, atol=2e-4, rtol=0)
    maps.upper[:, 1], maps.lower[:, 1] = -8 * PIXEL, 8 * PIXEL
    out = render_sharp(image, maps, ALL)
    middle = out[0, 0, :, size // 2]
    assert middle.diff().max() < 0.5, "the step of 0.8 is spread over several pixels"
    seen = slice(size // 2 - 8, size // 2 + 8)
    torch.testing.assert_close(middle[: seen.start], image[0, 0, : seen.start, 0])
    torch.testing.assert_close(middle[seen.stop :], image[0, 0, seen.stop :, 0])


def test_regions_share_the_face_and_leave_the_rest() -> None:
    shares = region_shares()
    torch.testing.assert_close(shares.sum(0), torch.ones(1, MAP_SIZE, 1))
    rows = {"brows": 15, "eyes": 27, "mouth": 60}
    for place, name in enumerate(REGIONS):
        assert shares[place, 0, rows[name], 0] > 0.9
    image = torch.rand(1, 3, 192, 192) * 2 - 1
    maps = plain_maps()
    maps.upper[:, 0] = maps.lower[:, 0] = 5 * PIXEL
    mouth = shares[REGIONS.index("mouth")][None].expand(1, 1, MAP_SIZE, MAP_SIZE)
    out = render_sharp(image, maps, mouth)
    torch.testing.assert_close(out[..., :50, :], image[..., :50, :], atol=2e-4, rtol=0)
    assert (out[..., 100:, :] - image[..., 100:, :]).abs().mean() > 0.1


def test_colour_follows_detail_and_what_stays_is_untouched() -> None:
    """The left half moves by 6 pixels; light is detailed, its tint changes slowly."""
    size, draw = 384, torch.Generator().manual_seed(0)
    light = torch.rand(1, 1, size, size, generator=draw) * 0.6
    coarse = torch.rand(1, 3, 6, 6, generator=draw) * 0.6 - 0.3
    coarse[:, 1] = 0
    image = light + torch.nn.functional.interpolate(coarse, (size, size), mode="bicubic")
    maps = plain_maps()
    for flow in (maps.upper, maps.lower):
        flow[:, 0, :, :48] = 3 * PIXEL  # of the window's 192
    moved = fetch_sharp(image, compose(maps))
    inside = slice(8, 180)
    wanted = image[..., 14:186]
    assert torch.allclose(moved[:, 1, :, inside], wanted[:, 1], atol=1e-4)
    assert (moved[..., inside] - wanted).abs().max() < 0.02
    assert torch.equal(moved[:, ::2, :, 200:], image[:, ::2, :, 200:]), "to the last bit"
    assert torch.allclose(moved[..., 200:], image[..., 200:], atol=1e-4)
