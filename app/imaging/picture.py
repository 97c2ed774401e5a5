"""The picture as a file: PNG, JPEG or WebP, with its provenance, in as many bytes as allowed."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.errors import DoesNotFitError
from app.imaging.alpha import Cutout, on_white
from app.imaging.content_credentials import ManifestSigner
from app.imaging.encode import encode_png
from app.imaging.formats import Format
from app.imaging.provenance import png_text, xmp_packet
from app.version import software_version

BEST_QUALITY = 95
"""Of a JPEG or WebP for which none was asked."""
_FULL_COLOUR = 90  # from this quality on a JPEG keeps the colour of every pixel
_WEBP_SIDE = 16383  # the format holds no more


@dataclass(frozen=True, slots=True)
class PictureWriter:
    """Writes files that say what altered them.

    Attributes:
        signer: signs what was altered; None signs nothing.
        png_compression: zlib level of a PNG.
    """

    signer: ManifestSigner | None = None
    png_compression: int = 1

    def write(
        self,
        image: NDArray[np.uint8],
        kind: Format,
        model: str,
        version: str,
        *,
        altered: bool,
        quality: int | None = None,
        max_bytes: int | None = None,
    ) -> bytes:
        """The file.

        Args:
            image: uint8 [H, W, 3], or [H, W, 4] with transparency, which a JPEG shows on white.
            kind: the format of the file.
            model, version: what altered it.
            altered: whether it did.
            quality: of a JPEG or WebP, 1 to 100; with `max_bytes` the most that is tried.
            max_bytes: a JPEG or WebP gets the highest quality that fits; None allows any size.

        Raises:
            DoesNotFitError: nothing fits, or the format does not hold so large a picture.
        """
        software = f"StoicNet {software_version()} ({model} {version})"
        if kind == "webp" and max(image.shape[:2]) > _WEBP_SIDE:
            raise DoesNotFitError(
                f"A WebP holds at most {_WEBP_SIDE} pixels on a side; choose another format."
            )

        def encode(quality: int) -> bytes:
            if kind == "png":
                return encode_png(image, png_text(software, altered=altered), self.png_compression)
            return _encode(image, kind, quality, xmp_packet(software, altered=altered))

        def sign(file: bytes) -> bytes:
            if self.signer is None or not altered:
                return file
            return self.signer.sign(file, f"image/{kind}", f"StoicNet {model}", software_version())

        best = quality or BEST_QUALITY
        plain = encode(best)
        file = sign(plain)
        if max_bytes is None or len(file) <= max_bytes:
            return file
        if kind == "png":
            raise DoesNotFitError(
                f"The PNG has {len(file)} bytes; max_bytes={max_bytes} allows less. A PNG cannot "
                "be made smaller: choose format=jpeg or format=webp."
            )
        # A manifest is about as long for every quality; signing may ask a time-stamp authority.
        room = max_bytes - (len(file) - len(plain))
        return sign(_fitting(encode, best - 1, room, kind, max_bytes))


def _fitting(
    encode: Callable[[int], bytes], best: int, room: int, kind: Format, max_bytes: int
) -> bytes:
    """The file of the highest quality, up to `best`, that has at most `room` bytes.

    Raises:
        DoesNotFitError: not even that of quality 1 has.
    """
    fits, low, high = b"", 1, best
    while low <= high:
        middle = (low + high) // 2
        file = encode(middle)
        if len(file) <= room:
            fits, low = file, middle + 1
        else:
            high = middle - 1
    if not fits:
        raise DoesNotFitError(
            f"As {kind.upper()} of quality 1 the picture is still over max_bytes={max_bytes}. "
            "Allow more, or send a smaller photograph."
        )
    return fits


def _encode(image: NDArray[np.uint8], kind: Format, quality: int, xmp: str) -> bytes:
    if kind == "jpeg" and image.shape[2] == 4:
        image = on_white(Cutout(image[..., :3], image[..., 3]))
    buffer = io.BytesIO()
    picture = Image.fromarray(image)
    if kind == "jpeg":
        colour = "4:4:4" if quality >= _FULL_COLOUR else "4:2:0"
        picture.save(
            buffer, "JPEG", quality=quality, subsampling=colour, optimize=True, xmp=xmp.encode()
        )
    else:
        # `exact` keeps the colours of pixels that nobody sees.
        picture.save(buffer, "WebP", quality=quality, exact=True, xmp=xmp.encode())
    return buffer.getvalue()
