"""The photographs that the benchmarks send: one real face, in the sizes people have."""

from __future__ import annotations

import io
import os
from pathlib import Path

from PIL import Image

SAMPLE = Path(__file__).resolve().parent.parent / "docs" / "samples" / "astronaut.jpg"
WEIGHTS = {"512": 8, "880": 2, "1600": 2}
"""How often each picture is sent by a mixed load: most are small, as in benchmarks/soak.py."""


def pictures() -> dict[str, bytes]:
    """JPEG files by the length of their longest side in pixels.

    512: a portrait, the face a crop of 256 px. 880: a close-up, a crop of 768 px. 1600 and 3000:
    the portrait enlarged, crops of 512 and 1024 px.
    """
    with Image.open(SAMPLE) as sample:
        portrait = sample.convert("RGB")
    close = portrait.crop((140, 20, 320, 240)).resize((720, 880))
    larger = {str(side): _jpeg(portrait.resize((side, side))) for side in (1600, 3000)}
    return {"512": _jpeg(portrait), "880": _jpeg(close), **larger}


def mix() -> list[tuple[str, bytes]]:
    """Names and files of a mixed load, each as often as it is sent.

    PHOTOGRAPHS names a folder of photographs that are sent instead, all equally often.
    """
    folder = os.environ.get("PHOTOGRAPHS")
    if folder:
        suffixes = {".jpg", ".jpeg", ".png", ".webp"}
        files = [path for path in sorted(Path(folder).iterdir()) if path.suffix.lower() in suffixes]
        return [(path.name, path.read_bytes()) for path in files]
    made = pictures()
    return [(name, made[name]) for name, weight in WEIGHTS.items() for _ in range(weight)]


def multipart(name: str, data: bytes) -> tuple[bytes, str]:
    """A form with the one field `file`: its body and its Content-Type."""
    boundary = "stoicnet-benchmark-boundary"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    body = head.encode() + data + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
