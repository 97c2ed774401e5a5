"""Colour profiles: converted to sRGB, and left out with a word where they are broken."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import ImageCms

from app.imaging.decode import decode
from tests.app.files import encode

Pixels = NDArray[np.uint8]


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_srgb_profile_changes_nothing(picture: Pixels) -> None:
    decoded = decode(encode(picture, icc_profile=srgb_profile()))
    assert np.array_equal(decoded.pixels, picture)
    assert decoded.warnings == ()


def test_profile_is_converted_to_srgb() -> None:
    # sRGB with the red and blue primaries exchanged: its red is our blue.
    profile = srgb_profile()
    count = int.from_bytes(profile[128:132], "big")
    table = profile[132 : 132 + 12 * count]
    swapped = table.replace(b"rXYZ", b"tmp_").replace(b"bXYZ", b"rXYZ").replace(b"tmp_", b"bXYZ")
    exchanged = profile[:132] + swapped + profile[132 + 12 * count :]
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 255
    decoded = decode(encode(red, icc_profile=exchanged))
    assert decoded.warnings == ()
    assert np.abs(decoded.pixels.astype(int) - [0, 0, 255]).max() <= 2


def adobe_rgb() -> bytes:
    """A profile with the primaries of Adobe RGB (1998), adapted to D50 as ICC profiles are."""
    primaries = {
        b"rXYZ": (0.60974, 0.31111, 0.01947),
        b"gXYZ": (0.20528, 0.62567, 0.06087),
        b"bXYZ": (0.14919, 0.06322, 0.74457),
    }
    profile = bytearray(srgb_profile())
    for entry in range(132, 132 + 12 * int.from_bytes(profile[128:132], "big"), 12):
        name, offset = bytes(profile[entry : entry + 4]), profile[entry + 4 : entry + 8]
        if name in primaries:
            start = int.from_bytes(offset, "big") + 8
            values = b"".join(round(v * 65536).to_bytes(4, "big") for v in primaries[name])
            profile[start : start + 12] = values
    return bytes(profile)


def test_adobe_rgb_becomes_more_colourful_numbers() -> None:
    colours = np.array([[[128, 128, 128], [200, 60, 60], [90, 170, 90], [60, 60, 200]]], np.uint8)
    decoded = decode(encode(colours, icc_profile=adobe_rgb()))
    assert decoded.warnings == ()
    grey, red, green, blue = decoded.pixels[0].astype(int)
    assert np.abs(grey - 128).max() <= 1
    assert red[0] > 215, "the same red needs more of a narrower space's primary"
    assert green[0] < 75
    assert np.abs(blue - [60, 60, 200]).max() < 12, "both spaces have nearly the same blue"


def test_broken_profile_is_ignored_and_reported(picture: Pixels) -> None:
    decoded = decode(encode(picture, icc_profile=b"not a profile" * 20))
    assert np.array_equal(decoded.pixels, picture)
    assert "profile" in decoded.warnings[0]
