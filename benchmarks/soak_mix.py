"""What the soak sends: photographs as people have them, and what is no photograph."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from benchmarks.pictures import pictures

JSON = "application/json"


@dataclass(frozen=True)
class Sent:
    """One request of the mix.

    Attributes:
        kind: what it is, for the report.
        body: of `httpx`: `files`, `content` or `json`.
        route, query, headers: the rest of it.
        leaves: whether the client goes away before the answer.
    """

    kind: str
    body: dict[str, Any]
    route: str = "/neutralize"
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    leaves: bool = False


def mix() -> list[Sent]:
    """Every request as often as it is drawn."""
    made = pictures()
    ordinary, large, close = (_form(made[name]) for name in ("512", "1600", "880"))
    with Image.open(io.BytesIO(made["512"])) as portrait:
        three = Image.new("RGB", (3 * portrait.width, portrait.height))
        for column in range(3):
            three.paste(portrait, (column * portrait.width, 0))
        other = portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        animated = _file(portrait, "GIF", save_all=True, append_images=[other])
        cut_out = _file(portrait.convert("RGBA"), "PNG")
        turned = _file(portrait.rotate(90), "JPEG")
    several = _form(_file(three, "JPEG"))
    text = base64.b64encode(made["512"]).decode()
    return [
        *[Sent("ordinary", ordinary)] * 8,
        *[Sent("large", large), Sent("close", close)] * 2,
        *[Sent("analyze", ordinary, "/analyze")] * 3,
        Sent("huge", _form(made["3000"]), query={"format": "jpeg", "max_bytes": "200000"}),
        Sent("all of several faces", several, query={"faces": "all"}),
        Sent("one of several faces", several, query={"face": "2", "output": "portrait"}),
        Sent("several faces", several),
        Sent("animated", _form(animated)),
        Sent("cut-out", _form(cut_out), headers={"Accept": "image/webp"}),
        Sent("turned", _form(turned), query={"level": "true"}),
        Sent("base64", {"json": {"image": text, "strength": 0.5}}),
        Sent("base64, answer too", {"json": {"image": text}}, headers={"Accept": JSON}),
        Sent("no base64", {"content": b'{"image": "%%%"}'}, headers={"Content-Type": JSON}),
        Sent("no face", _form(_file(Image.new("RGB", (640, 480), (90, 120, 90)), "JPEG"))),
        Sent("broken", _form(made["512"][:9000])),
        Sent("text", _form(b"no photograph")),
        Sent("leaves", ordinary, leaves=True),
    ]


def _form(data: bytes) -> dict[str, Any]:
    return {"files": {"file": data}}


def _file(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
