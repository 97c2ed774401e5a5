"""Photographs of phones, where the extra `heic` is installed."""

from __future__ import annotations

import io

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.errors import DamagedImageError, TooManyPixelsError, UnsupportedImageError
from app.imaging import decode as decoding
from app.imaging.decode import DecodeLimits, accepted_formats, decode
from tests.app.files import stored_turned

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def picture(astronaut: Pixels) -> Pixels:
    """Not square, so that a wrong turn shows."""
    return np.ascontiguousarray(astronaut[20:120, 150:290])


def heic(pixels: Pixels, orientation: int = 1, others: int = 0) -> bytes:
    pillow_heif.register_heif_opener()
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    more = [Image.new("RGB", (64, 64), "red")] * others
    stored = Image.fromarray(stored_turned(pixels, orientation))
    options = {"exif": exif.tobytes(), "save_all": bool(more), "append_images": more}
    stored.save(buffer, "HEIF", quality=95, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic_comes_upright(picture: Pixels, orientation: int) -> None:
    decoded = decode(heic(picture, orientation))
    assert decoded.format == "HEIC"
    assert decoded.pixels.shape == picture.shape
    assert np.abs(decoded.pixels.astype(int) - picture).mean() < 4


def test_the_first_picture_of_a_burst_is_the_photograph(picture: Pixels) -> None:
    assert decode(heic(picture, others=2)).pixels.shape == picture.shape


def test_limits_hold_before_decoding(picture: Pixels) -> None:
    with pytest.raises(TooManyPixelsError, match="140 x 100"):
        decode(heic(picture), DecodeLimits(max_pixels=13_999))


def test_truncated_heic_is_damaged(picture: Pixels) -> None:
    data = heic(picture)
    for length in range(12, len(data), len(data) // 40):
        with pytest.raises(DamagedImageError):
            decode(data[:length])


def test_without_the_extra_it_is_refused(picture: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "HEIC" in accepted_formats()
    data = heic(picture)
    monkeypatch.setattr(decoding, "accepted_formats", lambda: decoding.SUPPORTED)
    with pytest.raises(UnsupportedImageError, match="This is a HEIC file"):
        decode(data)


def test_a_film_is_not_called_heic() -> None:
    with pytest.raises(UnsupportedImageError, match="This is a video file"):
        decode(b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41")
