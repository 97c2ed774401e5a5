"""Films for the tests, made by PyAV."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
RATE = 25
TICKS = Fraction(1, 1000)


def drifting(image: Image, count: int, step: int = 1) -> list[Image]:
    """The same picture, `step` pixels further to the right in every frame."""
    return [np.roll(image, step * number, 1) for number in range(count)]


def write_film(path: Path, frames: Sequence[Image], times: Sequence[int] | None = None) -> Path:
    """An H.264 film with a tone.

    Args:
        path: where to.
        frames: uint8 RGB [H, W, 3], sides even.
        times: of the frames in milliseconds; by default 25 frames a second.
    """
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"crf": "12", "bf": "0"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", TICKS
        sound = out.add_stream("aac", rate=8000)
        for number, image in enumerate([*frames, None]):
            frame = None
            if image is not None:
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.time_base = TICKS
                frame.pts = times[number] if times else number * 1000 // RATE
            out.mux(stream.encode(frame))
        for number in range(max(1, len(frames) * 8000 // RATE // 1024)):
            wave = np.sin(np.arange(1024) / 9 + number) * 8000
            heard = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], "s16", "mono")
            heard.rate, heard.pts = 8000, number * 1024
            out.mux(sound.encode(heard))
        out.mux(sound.encode(None))
    return path


def lay_on_side(path: Path) -> None:
    """Have players turn the pictures of an MP4 by a quarter to the right, as telephones do."""
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40  # of the first track, which is the film
    one = 1 << 16
    struct.pack_into(">9i", data, matrix, 0, one, 0, -one, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


def read_film(path: Path) -> tuple[list[Image], list[float], list[bytes], dict[str, str]]:
    """Frames, their times in seconds, the packets of the sound, and the container's metadata."""
    with av.open(str(path)) as film:
        said = dict(film.metadata)
        frames, times = [], []
        for frame in film.decode(video=0):
            frames.append(frame.to_ndarray(format="rgb24"))
            times.append(float(frame.time or 0.0))
    with av.open(str(path)) as film:
        sound = [bytes(packet) for packet in film.demux(audio=0) if packet.dts is not None]
    return frames, times, sound, said
