"""Animated GIF and WebP by Pillow: frames with their times and transparency."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from PIL import ImageSequence, UnidentifiedImageError

from app.imaging.provenance import xmp_packet
from app.video.errors import DamagedVideoError, NotAVideoError, TooLongError
from app.video.source import Moving

Image = NDArray[np.uint8]

ANIMATIONS = {".gif": "GIF", ".webp": "WEBP"}


class Animation:
    """An animated picture that is read, frame by frame.

    Attributes:
        path: of the file.
        frames: how many it has.
        rate: frames per second of its first frame, for an encoder.
        times: of the frames that were read, in seconds.
        end: of the last of them.
        alphas: their transparency, uint8 [H, W], or None.
        loop: how often it plays; 0 is for ever.
        has_sound: never.
    """

    has_sound = False

    def __init__(self, path: Path, max_seconds: float) -> None:
        """Open it.

        Raises:
            NotAVideoError: it is no picture that Pillow knows.
            OSError: it cannot be read.
        """
        self.path, self._max_seconds = path, max_seconds
        try:
            self._picture = Pictures.open(path)
        except UnidentifiedImageError as error:
            raise NotAVideoError(f"{path} is no animated picture.") from error
        self.frames = int(getattr(self._picture, "n_frames", 1))
        self.loop = int(self._picture.info.get("loop", 0))
        self.rate = Fraction(1000, _duration(self._picture))
        self.times: list[float] = []
        self.end = 0.0
        self.alphas: list[Image | None] = []

    def read(self) -> Iterator[Image]:
        """The frames, uint8 RGB [H, W, 3].

        Raises:
            DamagedVideoError: the file breaks off.
            TooLongError: it lasts too long.
        """
        try:
            for each in ImageSequence.Iterator(self._picture):
                whole = np.asarray(each.convert("RGBA"))
                self.times.append(self.end)
                self.end += _duration(each) / 1000
                if self.end > self._max_seconds:
                    raise TooLongError(
                        f"{self.path} goes on after {self._max_seconds:.0f} seconds; "
                        "--max-seconds allows more."
                    )
                alpha = whole[..., 3]
                self.alphas.append(None if (alpha == 255).all() else alpha.copy())
                yield np.ascontiguousarray(whole[..., :3])
        except (OSError, SyntaxError, EOFError, ValueError) as error:
            raise DamagedVideoError(
                f"{self.path} cannot be decoded after {len(self.times)} frames: {error}."
            ) from error
        finally:
            self._picture.close()


def _duration(picture: Pictures.Image) -> int:
    """Milliseconds for which a frame that was read is shown; if it does not say, as players do."""
    return int(picture.info.get("duration", 0)) or 100


def _durations(source: Moving) -> list[int]:
    """Milliseconds of every frame."""
    return [round(1000 * (b - a)) for a, b in pairwise([*source.times, source.end])]


def write_animation(
    frames: Iterable[Image], source: Moving, temporary: Path, suffix: str, software: str
) -> None:
    """Write frames with the source's times and transparency; it says that it was altered."""
    pictures = []
    for index, image in enumerate(frames):
        alpha = source.alphas[index]
        whole = image if alpha is None else np.dstack([image, alpha])
        pictures.append(Pictures.fromarray(whole))
    first, *rest = pictures
    said = (
        {"xmp": xmp_packet(software, altered=True).encode(), "quality": 90, "method": 4}
        if suffix == ".webp"
        else {"comment": f"{software}: faces altered by a trained model".encode()}
    )
    with temporary.open("wb") as file:
        first.save(
            file,
            ANIMATIONS[suffix],
            save_all=True,
            append_images=rest,
            duration=_durations(source),
            loop=source.loop,
            **said,
        )
