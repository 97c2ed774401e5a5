"""Decoded pictures of every mode and colour profile to 8-bit sRGB pixels."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from app.errors import DamagedImageError, UnsupportedImageError

_SRGB = ImageCms.createProfile("sRGB")
_BAND = 256  # rows


def split(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Every mode as L, RGB or CMYK, and the transparency beside it (None without any)."""
    mode = image.mode
    if mode.startswith("I;16"):
        deep = np.asarray(image).astype(np.uint32)
        clear = image.info.get("transparency")
        alpha = None if clear is None else Image.fromarray(np.uint8(255) * (deep != clear))
        return Image.fromarray(((deep * 255 + 32767) // 65535).astype(np.uint8)), alpha
    if mode in ("I", "F", "LAB", "HSV"):
        raise UnsupportedImageError(
            f"Pixels of mode {mode} have no fixed scale; save the picture with 8 or 16 bits."
        )
    if "A" in mode or "a" in mode or "transparency" in image.info:
        with_alpha = image.convert("RGBA")
        grey = mode in ("LA", "La", "L", "1")
        own = with_alpha.getchannel("R") if grey else with_alpha.convert("RGB")
        return own, with_alpha.getchannel("A")
    if mode in ("L", "RGB", "CMYK"):
        return image, None
    return image.convert("L" if mode == "1" else "RGB"), None


def to_srgb(image: Image.Image, icc: bytes | None) -> tuple[Image.Image, tuple[str, ...]]:
    """Convert to RGB: sRGB by the embedded profile, of which a broken one is told and ignored."""
    if not icc:
        return _as_rgb(image), ()
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        transform = ImageCms.buildTransform(
            profile, _SRGB, image.mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC
        )
        # Profiles that are sRGB in all but bytes would shift pixels by rounding alone, and the
        # answer promises the photograph's own pixels: such profiles are left out.
        if image.mode == "RGB" and _changes_nothing(transform):
            return image, ()
        converted = ImageCms.applyTransform(image, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        return _as_rgb(image), (f"The embedded colour profile was ignored: {error}",)
    if converted is None:
        raise DamagedImageError("The embedded colour profile cannot be applied.")
    return converted, ()


def _as_rgb(image: Image.Image) -> Image.Image:
    """The picture itself if it is RGB already: `convert` would copy it."""
    return image if image.mode == "RGB" else image.convert("RGB")


def to_pixels(image: Image.Image) -> NDArray[np.uint8]:
    """uint8 RGB [H, W, 3] of an RGB picture.

    Pillow hands pixels over as bytes: band by band there are never two of a photograph.
    """
    width, height = image.size
    pixels = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _BAND):
        rows = image.crop((0, top, width, min(height, top + _BAND)))
        pixels[top : top + _BAND] = np.asarray(rows)
    return pixels


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    probe = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(9, -1, 3)
    converted = ImageCms.applyTransform(Image.fromarray(probe), transform)
    moved = np.abs(np.asarray(converted).astype(np.int16) - probe)
    return bool(moved.max() <= 1)
