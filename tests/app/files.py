"""Image files made in memory, good and bad ones."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

ORIENTATION = 0x0112


def encode(pixels: NDArray[np.uint8], kind: str = "PNG", **options: Any) -> bytes:
    """The pixels as a file of this kind, written by Pillow."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def deep_png(pixels: NDArray[np.uint8]) -> bytes:
    """The pixels as a 16-bit PNG (x 257), grey [H, W] or RGB [H, W, 3]."""
    deep = pixels.astype(np.uint16) * 257
    done, buffer = cv2.imencode(".png", deep[..., ::-1] if deep.ndim == 3 else deep)
    assert done
    return buffer.tobytes()


def stored_turned(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """How a camera stores a picture that EXIF `orientation` turns upright again."""
    undo = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }
    return np.ascontiguousarray(undo[orientation](pixels))


def with_orientation(
    pixels: NDArray[np.uint8], orientation: int, kind: str = "JPEG", **options: Any
) -> bytes:
    """A file that shows `pixels` upright to whoever honours EXIF, with a GPS position in it."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif.get_ifd(0x8825)[1] = "N"
    return encode(stored_turned(pixels, orientation), kind, exif=exif, **options)


def bomb() -> bytes:
    """A PNG of 100 megapixels in a few kB."""
    buffer = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(buffer, "PNG")
    return buffer.getvalue()


def animation(kind: str) -> bytes:
    """Two frames."""
    buffer = io.BytesIO()
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    return buffer.getvalue()
