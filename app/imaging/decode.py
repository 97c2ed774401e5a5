"""Photograph files to upright sRGB pixels, with every limit checked before a pixel is decoded."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, features

from app.errors import (
    DamagedImageError,
    NotAnImageError,
    TooManyBytesError,
    TooManyPixelsError,
    UnsupportedImageError,
)
from app.imaging.alpha import Cutout, on_white
from app.imaging.srgb import split, to_pixels, to_srgb

SUPPORTED = ("JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF")
"""What is always accepted; AVIF where Pillow can, HEIC where the extra `heic` is installed."""

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})

_MOVING = " The command `stoicnet video` works on moving pictures."
_FOR_MOVING = dict.fromkeys(("GIF", "WebP", "video"), _MOVING)  # the kinds that it takes


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What is refused before decoding: file size in bytes, pixels, longest side in pixels."""

    max_bytes: int = 20 * 1024 * 1024
    max_pixels: int = 50_000_000
    max_side: int = 16_384


@dataclass(frozen=True, slots=True)
class Photograph:
    """A decoded photograph.

    Attributes:
        pixels: uint8 sRGB [H, W, 3], upright (EXIF orientation applied), on white where it is
            transparent.
        format: the format found in the bytes, one of `accepted_formats()`.
        warnings: what could not be honoured, in words.
        cutout: of a photograph with transparency, its own colours and that.
    """

    pixels: NDArray[np.uint8]
    format: str
    warnings: tuple[str, ...] = ()
    cutout: Cutout | None = None


@cache
def accepted_formats() -> tuple[str, ...]:
    """The formats that are accepted here; the first call tells Pillow of HEIC, if it is there."""
    formats = (*SUPPORTED, "AVIF") if features.check("avif") else SUPPORTED
    try:
        import pillow_heif
    except ImportError:
        return formats
    pillow_heif.register_heif_opener(thumbnails=False)
    return (*formats, "HEIC")


def sniff(data: bytes) -> str:
    """The image format the first bytes announce, supported or not.

    Raises:
        NotAnImageError: no known image format begins like this.
    """
    head = data[:16]
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WebP"
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return "video"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in _HEIC_BRANDS:
            return "HEIC"
        return "AVIF" if brand in (b"avif", b"avis") else "video"
    signatures = {
        b"\xff\xd8\xff": "JPEG",
        b"\x89PNG\r\n\x1a\n": "PNG",
        b"BM": "BMP",
        b"II*\x00": "TIFF",
        b"MM\x00*": "TIFF",
        b"GIF8": "GIF",
        b"%PDF": "PDF",
        b"8BPS": "PSD",
        b"\xff\x0a": "JPEG XL",
        b"\x00\x00\x00\x0cJXL ": "JPEG XL",
        b"\x00\x00\x00\x0cjP  ": "JPEG 2000",
        b"\x00\x00\x01\x00": "ICO",
        b"<svg": "SVG",
        b"\x1aE\xdf\xa3": "video",  # Matroska, WebM
    }
    for signature, name in signatures.items():
        if head.startswith(signature):
            return name
    if not data:
        raise NotAnImageError(f"The file is empty. Send one of {', '.join(accepted_formats())}.")
    raise NotAnImageError(
        f"The file does not begin like any known image ({len(data)} bytes). "
        f"Send one of {', '.join(accepted_formats())}."
    )


@contextmanager
def _damage_is_an_image_error(kind: str) -> Iterator[None]:
    """Turn whatever a broken file makes the decoder raise into DamagedImageError."""
    try:
        yield
    except (TooManyPixelsError, UnsupportedImageError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixelsError(str(error)) from error
    # Pillow's parsers raise nearly anything on hostile input (struct.error, SyntaxError,
    # IndexError, zlib.error, ...): all of it means the file is broken.
    except Exception as error:
        raise DamagedImageError(f"The {kind} file cannot be decoded: {error}") from error


def _check_frames(image: Image.Image, kind: str) -> None:
    # Exempt: phones put previews (MPO) and bursts behind the picture, and the first is the photo.
    if kind in ("JPEG", "HEIC"):
        return
    if kind in ("TIFF", "GIF"):  # counting would walk a chain of any length
        try:
            image.seek(1)
        except EOFError:
            image.seek(0)
            return
        several = True
    else:
        several = getattr(image, "n_frames", 1) > 1
    if several:
        raise UnsupportedImageError(
            f"This {kind} file holds several pictures or an animation. Moving pictures are not "
            f"served here; send one picture.{_FOR_MOVING.get(kind, '')}"
        )


def decode(data: bytes, limits: DecodeLimits | None = None) -> Photograph:
    """Decode a photograph.

    Args:
        data: the whole file.
        limits: what to refuse before decoding.

    Returns:
        Upright 8-bit sRGB pixels: EXIF orientation applied once, the embedded ICC profile
        honoured, transparency laid on white and kept beside, 16-bit reduced to 8, grey / palette /
        CMYK expanded.

    Raises:
        TooManyBytesError, TooManyPixelsError: over the limits; nothing was decoded.
        NotAnImageError: not an image at all.
        UnsupportedImageError: an image, of a format or kind that is not accepted.
        DamagedImageError: truncated or broken.
    """
    limits = limits or DecodeLimits()
    if len(data) > limits.max_bytes:
        raise TooManyBytesError(
            f"The file has {len(data)} bytes; at most {limits.max_bytes} are accepted.",
            max_bytes=limits.max_bytes,
        )
    kind = sniff(data)
    formats = accepted_formats()
    if kind not in formats:
        raise UnsupportedImageError(
            f"This is a {kind} file. Send one of {', '.join(formats)}.{_FOR_MOVING.get(kind, '')}",
            supported=formats,
        )
    with _damage_is_an_image_error(kind):
        opener = "HEIF" if kind == "HEIC" else kind.upper()  # Pillow's name for it
        image = Image.open(io.BytesIO(data), formats=[opener])
        _check_size(image.size, limits)
        _check_frames(image, kind)
        image.load()
        icc = image.info.get("icc_profile")
        ImageOps.exif_transpose(image, in_place=True)
        opaque, alpha = split(image)
        converted, notes = to_srgb(opaque, icc)
        pixels = to_pixels(converted)
        if alpha is None:
            return Photograph(pixels=pixels, format=kind, warnings=notes)
        cutout = Cutout(pixels, np.array(alpha, dtype=np.uint8))
    return Photograph(on_white(cutout), kind, notes, cutout)


def _check_size(size: tuple[int, int], limits: DecodeLimits) -> None:
    width, height = size
    if width * height > limits.max_pixels or max(size) > limits.max_side:
        raise TooManyPixelsError(
            f"The image is {width} x {height}; at most {limits.max_pixels} pixels and "
            f"{limits.max_side} on a side are accepted.",
            width=width,
            height=height,
            max_pixels=limits.max_pixels,
            max_side=limits.max_side,
        )
