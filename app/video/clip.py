"""Films by PyAV: frames out of a file with their times, and into one with the sound it had."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.extra import load_extra
from app.video.errors import DamagedVideoError, NotAVideoError, TooLongError
from app.video.source import Moving

Image = NDArray[np.uint8]

FILMS = {".mp4": "libx264", ".mov": "libx264", ".m4v": "libx264", ".webm": "libvpx-vp9"}
"""Kinds of file that are written, and the codec in each."""
_QUALITY = {
    "libx264": {"crf": "18", "preset": "veryfast"},
    "libvpx-vp9": {"crf": "28", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"},
}
_SOUNDS = {
    ".webm": {"opus", "vorbis"},
    ".mp4": {"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"},
}
"""Sound that a kind of file can hold; a .mov holds what it is given."""
_TICKS = Fraction(1, 90_000)
"""Time base of what is written: fine enough for any camera's."""


def _av() -> Any:
    return load_extra("av", "A film", extra="video")


class Film:
    """A film that is read, frame by frame.

    Attributes:
        path: of the file.
        rate: mean frames per second, for the encoder.
        frames: how many the file says it has; 0 if it does not say.
        has_sound: whether there is any.
        times: of the frames that were read, in seconds.
        end: of the last of them.
        alphas: their transparency: films have none.
        loop: how often an animation of it plays; 0 is for ever.
    """

    def __init__(self, path: Path, max_seconds: float) -> None:
        """Open it.

        Args:
            path: the file.
            max_seconds: a longer film is refused, also one that never ends.

        Raises:
            NotAVideoError: it holds no film.
            OSError: it cannot be read.
        """
        av = _av()
        self.path, self._max_seconds = path, max_seconds
        path.open("rb").close()  # PyAV's own error does not say why
        try:
            self._container = av.open(str(path))
        except av.error.FFmpegError as error:
            raise NotAVideoError(f"{path} is no film: {error.strerror}.") from error
        if not self._container.streams.video:
            self._container.close()
            raise NotAVideoError(f"{path} has no pictures in it.")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self.rate = self._stream.average_rate or Fraction(25)
        self.frames = int(self._stream.frames)
        self.has_sound = bool(self._container.streams.audio)
        self.times: list[float] = []
        self.end = 0.0
        self.alphas: list[Image | None] = []
        self.loop = 0

    def read(self) -> Iterator[Image]:
        """The frames, upright, uint8 RGB [H, W, 3]; the time of each goes to `times` first.

        Raises:
            DamagedVideoError: the file breaks off.
            TooLongError: it goes on for too long.
        """
        av, count, shape = _av(), 0, None
        try:
            for frame in self._container.decode(self._stream):
                time = float(frame.time if frame.time is not None else count / self.rate)
                if time > self._max_seconds or count > self._max_seconds * 240:
                    raise TooLongError(
                        f"{self.path} goes on after {self._max_seconds:.0f} seconds; "
                        "--max-seconds allows more."
                    )
                image = np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90 % 4)
                shape = shape or image.shape
                if image.shape != shape:
                    raise DamagedVideoError(f"{self.path} changes its size after {count} frames.")
                count += 1
                self.times.append(time)
                self.end = time + float(1 / self.rate)
                self.alphas.append(None)
                yield np.ascontiguousarray(image)
        except av.error.FFmpegError as error:
            raise DamagedVideoError(
                f"{self.path} cannot be decoded after {count} frames: {error.strerror}."
            ) from error
        finally:
            self._container.close()
        if not count:
            raise NotAVideoError(f"{self.path} has no frames in it.")


def write_film(
    frames: Iterable[Image], source: Moving, temporary: Path, suffix: str, metadata: dict[str, str]
) -> str | None:
    """Encode frames with the source's times, and copy its sound.

    Args:
        frames: as many as the source gives, in its order.
        source: where times and sound come from.
        temporary: where to.
        suffix: of what it will be called; one of `FILMS`.
        metadata: of the container.

    Returns:
        The kind of sound that the new file cannot hold and that is therefore left out; None if
        there is none.
    """
    av = _av()
    kind = {".webm": "webm", ".mov": "mov"}.get(suffix, "mp4")
    codec = FILMS[suffix]
    with av.open(str(temporary), "w", format=kind) as out, ExitStack() as opened:
        out.metadata.update(metadata)
        stream = out.add_stream(codec, rate=source.rate, options=_QUALITY[codec])
        stream.codec_context.time_base = _TICKS
        heard = opened.enter_context(av.open(str(source.path))) if source.has_sound else None
        sound = _Sound(out, heard, suffix)
        first = True
        for number, image in enumerate(frames):
            if first:
                height, width = image.shape[:2]
                # Four pixels share a colour: a last odd row or column has no partner.
                stream.width, stream.height = width // 2 * 2, height // 2 * 2
                stream.pix_fmt = "yuv420p"
                first = False
            even = np.ascontiguousarray(image[: stream.height, : stream.width])
            frame = av.VideoFrame.from_ndarray(even, format="rgb24")
            time = source.times[number]
            frame.pts, frame.time_base = round(time / _TICKS), _TICKS
            sound.copy_until(time)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        sound.copy_until(float("inf"))
        return sound.left_out


class _Sound:
    """The sound of a file, copied packet by packet, if the new file can hold its kind."""

    def __init__(self, out: Any, source: Any | None, suffix: str) -> None:
        self._out, self._packets = out, iter(())
        self._held: Any = None
        self.left_out: str | None = None
        if source is None:
            return
        for stream in source.streams.audio[:1]:
            kind = stream.codec_context.name
            fits = _SOUNDS.get(".mp4" if suffix == ".m4v" else suffix)
            if fits is not None and kind not in fits:
                self.left_out = kind
                continue
            self._stream = out.add_stream_from_template(stream)
            self._packets = source.demux(stream)

    def copy_until(self, time: float) -> None:
        """Packets that begin up to that time, in seconds."""
        while True:
            packet = self._held or next(self._packets, None)
            self._held = None
            if packet is None:
                return
            if packet.dts is None:  # the one that ends a stream
                continue
            if packet.pts is not None and float(packet.pts * packet.time_base) > time:
                self._held = packet
                return
            packet.stream = self._stream
            self._out.mux(packet)
