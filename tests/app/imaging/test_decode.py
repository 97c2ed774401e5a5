from __future__ import annotations

import io
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from app.errors import (
    DamagedImageError,
    ImageError,
    NotAnImageError,
    TooManyBytesError,
    TooManyPixelsError,
    UnsupportedImageError,
)
from app.imaging.alpha import Cutout, given_back, on_white
from app.imaging.decode import DecodeLimits, decode
from tests.app.files import animation, bomb, deep_png, encode, with_orientation

Pixels = NDArray[np.uint8]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("TIFF", {}),
        ("WebP", {"lossless": True}),
        ("TIFF", {"compression": "tiff_lzw"}),
    ],
)
def test_exif_orientation_is_applied_exactly_once(
    picture: Pixels, orientation: int, kind: str, options: dict[str, object]
) -> None:
    decoded = decode(with_orientation(picture, orientation, kind, **options))
    assert np.array_equal(decoded.pixels, picture)
    assert decoded.format == kind


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_of_jpeg(picture: Pixels, orientation: int) -> None:
    decoded = decode(with_orientation(picture, orientation, "JPEG", quality=98, subsampling=0))
    assert decoded.pixels.shape == picture.shape
    assert np.abs(decoded.pixels.astype(int) - picture).mean() < 2


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_lossless_files_come_through_unchanged(picture: Pixels, kind: str) -> None:
    assert np.array_equal(decode(encode(picture, kind)).pixels, picture)


def test_grey_becomes_three_equal_channels(picture: Pixels) -> None:
    grey = picture[..., 1]
    assert np.array_equal(decode(encode(grey)).pixels, np.stack([grey] * 3, -1))


def test_16_bits_are_reduced_to_8(picture: Pixels) -> None:
    assert np.array_equal(decode(deep_png(picture)).pixels, picture)
    grey = picture[..., 1]
    assert np.array_equal(decode(deep_png(grey)).pixels[..., 0], grey)


def test_16_bit_grey_with_intermediate_values_is_rounded() -> None:
    deep = np.array([[0, 128, 129, 257, 32768, 65534, 65535]], np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(deep).save(buffer, "PNG")
    expected = np.rint(deep / 257).astype(np.uint8)
    assert np.array_equal(decode(buffer.getvalue()).pixels[..., 0], expected)


def test_transparency_is_laid_on_white(picture: Pixels) -> None:
    alpha = np.full(picture.shape[:2], 255, np.uint8)
    alpha[:50] = 0
    decoded = decode(encode(np.dstack([picture, alpha]))).pixels
    assert (decoded[:50] == 255).all()
    assert np.array_equal(decoded[50:], picture[50:])


def test_grey_with_alpha() -> None:
    grey_alpha = np.zeros((4, 4, 2), np.uint8)
    grey_alpha[:2, :, 1] = 255
    decoded = decode(encode(grey_alpha)).pixels
    assert (decoded[:2] == 0).all()
    assert (decoded[2:] == 255).all()


def test_palette_with_transparent_colour() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((0, 0), 0)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=0)
    decoded = decode(buffer.getvalue()).pixels
    assert decoded[0, 0].tolist() == [255, 255, 255]
    assert decoded[1, 1].tolist() == [200, 100, 50]


def test_cmyk_jpeg(picture: Pixels) -> None:
    buffer = io.BytesIO()
    Image.fromarray(picture).convert("CMYK").save(buffer, "JPEG", quality=95)
    decoded = decode(buffer.getvalue()).pixels
    assert np.abs(decoded.astype(int) - picture).mean() < 3


def test_too_many_bytes() -> None:
    with pytest.raises(TooManyBytesError):
        decode(b"\xff\xd8\xff" + bytes(1000), DecodeLimits(max_bytes=1000))


def test_pixels_are_counted_before_any_is_decoded() -> None:
    data = bomb()
    assert len(data) < 50_000
    with pytest.raises(TooManyPixelsError, match="10000 x 10000"):
        decode(data)
    # The header alone gives the same answer: nothing after it was looked at.
    with pytest.raises(TooManyPixelsError):
        decode(data[:60])


def test_one_long_side_is_too_much() -> None:
    with pytest.raises(TooManyPixelsError):
        decode(encode(np.zeros((1, 20_000, 3), np.uint8)))


@pytest.mark.parametrize("data", [b"", b"\0", b"Dear sir, please find attached", b"<html></html>"])
def test_what_is_not_an_image(data: bytes) -> None:
    with pytest.raises(NotAnImageError):
        decode(data)


@pytest.mark.parametrize(
    "data",
    [animation("GIF"), animation("WebP"), animation("TIFF"), animation("PNG"), b"%PDF-1.7 ..."],
    ids=["gif", "webp", "tiff", "apng", "pdf"],
)
def test_unsupported_kinds(data: bytes) -> None:
    with pytest.raises(UnsupportedImageError):
        decode(data)


def test_pixels_without_a_scale_are_refused() -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((4, 4), np.float32)).save(buffer, "TIFF")
    with pytest.raises(UnsupportedImageError, match="mode F"):
        decode(buffer.getvalue())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_truncated_files_are_damaged(picture: Pixels, kind: str, share: float) -> None:
    data = encode(picture, kind)
    with pytest.raises(DamagedImageError):
        decode(data[: int(len(data) * share)])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP", "BMP", "TIFF"])
def test_a_file_cut_at_every_tenth_byte(picture: Pixels, kind: str) -> None:
    data = encode(np.ascontiguousarray(picture[:48:2, :64:2]), kind)
    for length in range(0, len(data), 10):
        try:
            pixels = decode(data[:length]).pixels
        except (NotAnImageError, DamagedImageError):
            continue
        assert pixels.shape == (24, 32, 3)
        assert len(data) - length < 24, "no pixel is missing: only checksums and the end mark"


@settings(max_examples=int(os.environ.get("FUZZ_EXAMPLES", "200")), deadline=None)
@given(data=st.data(), kind=st.sampled_from(["JPEG", "PNG", "WebP", "BMP", "TIFF"]))
def test_flipped_bytes_never_escape_the_error_types(data: st.DataObject, kind: str) -> None:
    ramp = np.arange(48 * 32 * 3, dtype=np.uint32).reshape(32, 48, 3).astype(np.uint8)
    broken = bytearray(encode(ramp, kind))
    for _ in range(data.draw(st.integers(1, 8))):
        position = data.draw(st.integers(0, len(broken) - 1))
        broken[position] = data.draw(st.integers(0, 255))
    try:
        pixels = decode(bytes(broken), DecodeLimits(max_pixels=1_000_000)).pixels
    except ImageError:
        return
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3


@pytest.mark.parametrize(
    "head",
    [b"\0\0\0\x20ftypisom\0\0\x02\0", b"\x1aE\xdf\xa3\x01\0\0\0", b"RIFF\x24\0\0\0AVI LIST"],
    ids=["MP4", "WebM", "AVI"],
)
def test_a_film_is_told_where_to_go(head: bytes) -> None:
    with pytest.raises(UnsupportedImageError, match=r"a video file.*`stoicnet video`"):
        decode(head + bytes(2000))


def test_one_frame_of_a_format_for_moving_pictures(picture: Pixels) -> None:
    for kind in ("GIF", "WebP", "AVIF"):
        decoded = decode(encode(picture, kind))
        assert decoded.format == kind
        assert decoded.pixels.shape == picture.shape
        assert np.abs(decoded.pixels.astype(int) - picture).mean() < 8
        with pytest.raises(UnsupportedImageError, match="Moving pictures are not served") as told:
            decode(animation(kind))
        # It takes animations of the first two, and films.
        assert ("`stoicnet video`" in str(told.value)) == (kind != "AVIF")
    assert decode(encode(picture, "GIF")).cutout is None
    turned = decode(with_orientation(picture, 6, "AVIF", quality=95))
    assert turned.pixels.shape == picture.shape
    for share in (0.3, 0.6, 0.9):
        data = encode(picture, "AVIF")
        with pytest.raises(DamagedImageError):
            decode(data[: int(len(data) * share)])


def test_transparency_is_kept_beside(picture: Pixels) -> None:
    alpha = np.arange(picture[..., 0].size, dtype=np.uint32).reshape(picture.shape[:2]) % 256
    sent = np.dstack([picture, alpha.astype(np.uint8)])
    for kind in ("PNG", "TIFF"):
        cutout = decode(encode(sent, kind)).cutout
        assert cutout is not None
        assert np.array_equal(np.dstack([cutout.colours, cutout.alpha]), sent)
    turned = decode(with_orientation(sent, 6, "PNG")).cutout
    assert turned is not None
    assert np.array_equal(turned.alpha, sent[..., 3])
    assert decode(encode(picture)).cutout is None


def test_an_edit_on_white_goes_back_under_its_alpha(picture: Pixels) -> None:
    ramp = np.linspace(0, 255, picture[..., 0].size).reshape(picture.shape[:2])
    cutout = Cutout(picture, ramp.astype(np.uint8))
    edited = on_white(cutout)
    everywhere = np.full(picture.shape[:2], 255, np.uint8)
    answer = given_back(cutout, edited, everywhere)
    assert np.array_equal(answer[..., 3], cutout.alpha)
    again = on_white(Cutout(answer[..., :3], answer[..., 3]))
    assert np.abs(again.astype(int) - edited).max() <= 1
    nothing = given_back(cutout, edited, np.zeros_like(everywhere))
    assert np.array_equal(nothing, np.dstack([picture, cutout.alpha]))
