"""Intake, analyze, neutralize, gate, store: StoicNet in a badge pipeline.

    python examples/id_pipeline.py PHOTO... --store DIR [--url http://localhost:8000]
        [--layout eyes|hivision]

For every photograph the store gets the original, the badge picture that was cut from it, and a
record that says what was done, with hashes. Needs httpx and Pillow. See docs/id-pipeline.md.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import math
import sys
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from PIL import Image, PngImagePlugin

MIN_EYE_DISTANCE = 60  # pixels; less gives a soft badge
RESTING_SCORE = 2.2  # expression up to which a face is left as it is; see docs/operations.md
MAX_ALTERED_SHARE = 0.35  # of the photograph; more is not the edit of one face
EYE_DISTANCE = 0.22  # of the badge's width
EYE_LINE = 0.42  # of its height, from above
HEAD_MEASURE_RATIO = 0.2  # HivisionIDPhotos: area of the face's box / area of the picture
HEAD_HEIGHT_RATIO = 0.45  # HivisionIDPhotos: height of the box's centre, from above
SIZES = {"eyes": (413, 531), "hivision": (295, 413)}  # pixels: 35 x 45 and 25 x 35 mm at 300 dpi
XMP = "XML:com.adobe.xmp"


class RejectedError(Exception):
    """The photograph cannot become a badge, and why."""


class Layout(NamedTuple):
    """Where the badge lies in the photograph.

    Attributes:
        scale: photograph pixels for each badge pixel.
        centre: the point (x, y) of the photograph that comes to the badge's vertical middle line.
        height: how far down it comes there, as a share of the badge's height.
    """

    scale: float
    centre: tuple[float, float]
    height: float


def ask(client: httpx.Client, route: str, photo: bytes, **query: str) -> dict[str, Any]:
    """POST the photograph and return the JSON report; a problem becomes a rejection."""
    response = client.post(
        route, params=query, files={"file": photo}, headers={"Accept": "application/json"}
    )
    body: dict[str, Any] = response.json()
    if 400 <= response.status_code < 500 and response.status_code not in (401, 408, 429):
        raise RejectedError(f"{body['code']}: {body['detail']}")
    response.raise_for_status()  # the rest is ours to repair, not the person's
    return body


def check_intake(face: dict[str, Any]) -> bool:
    """Whether the face has to be neutralized; raises when it will not do at all."""
    if face["inter_eye_distance"] < MIN_EYE_DISTANCE:
        raise RejectedError(f"the eyes are only {face['inter_eye_distance']:.0f} pixels apart")
    expression = face.get("expression")
    return expression is None or expression["score"] > RESTING_SCORE


def check_result(report: dict[str, Any]) -> None:
    """The gate: refuse what a person should not be known by."""
    [face] = report["faces"]
    if face["altered_share"] > MAX_ALTERED_SHARE:
        raise RejectedError(f"{face['altered_share']:.0%} of the photograph was replaced")
    identity = face.get("identity")
    if identity is not None and not identity["preserved"]:
        raise RejectedError(f"similarity to the original is only {identity['similarity']:.2f}")
    expression = face.get("expression")
    if expression and expression["after"]["score"] > expression["before"]["score"]:
        raise RejectedError("the expression did not become less")


def by_eyes(face: dict[str, Any], size: tuple[int, int]) -> Layout:
    """Eyes a fixed distance apart at a fixed height: the same however the face is boxed."""
    (x0, y0), (x1, y1) = face["landmarks"][:2]
    scale = math.hypot(x1 - x0, y1 - y0) / (EYE_DISTANCE * size[0])
    return Layout(scale, ((x0 + x1) / 2, (y0 + y1) / 2), EYE_LINE)


def by_face_box(face: dict[str, Any], size: tuple[int, int]) -> Layout:
    """The rule of HivisionIDPhotos, with its defaults, as far as it goes without matting.

    The face's box takes a fixed share of the picture's area, its centre a fixed height. That tool
    then moves the picture so that the hair ends 10 to 12 % below the upper edge; it knows the hair
    from its matting network.
    """
    x, y, width, height = face["box"]
    scale = math.sqrt(width * height / (HEAD_MEASURE_RATIO * size[0] * size[1]))
    return Layout(scale, (x + width / 2, y + height / 2), HEAD_HEIGHT_RATIO)


LAYOUTS = {"eyes": by_eyes, "hivision": by_face_box}


def badge(png: bytes, face: dict[str, Any], layout: str) -> bytes:
    """The picture turned level and cut to the badge, with its provenance kept."""
    size = SIZES[layout]
    placed = LAYOUTS[layout](face, size)
    (x0, y0), (x1, y1) = face["landmarks"][:2]
    angle = math.atan2(y1 - y0, x1 - x0)
    a, b = placed.scale * math.cos(angle), placed.scale * math.sin(angle)
    u, v = size[0] / 2, placed.height * size[1]
    # Badge pixel (i, j) -> photograph pixel: Pillow asks for this direction.
    x, y = placed.centre
    matrix = (a, -b, x - a * u + b * v, b, a, y - b * u - a * v)
    with Image.open(io.BytesIO(png)) as picture:
        kept = PngImagePlugin.PngInfo()
        if xmp := picture.info.get(XMP):
            # Saving drops metadata; without this line the badge would hide that it was altered.
            kept.add_itxt(XMP, xmp)
        cut = picture.convert("RGB").transform(
            size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC, fillcolor="white"
        )
    buffer = io.BytesIO()
    cut.save(buffer, "PNG", pnginfo=kept)
    return buffer.getvalue()


def process(client: httpx.Client, path: Path, store: Path, layout: str) -> dict[str, Any]:
    """One photograph through the pipeline; returns its record."""
    photo = path.read_bytes()
    analysis = ask(client, "/analyze", photo, faces="one")
    wanted = check_intake(analysis["faces"][0])
    report = ask(client, "/neutralize", photo, strength="1" if wanted else "0")
    check_result(report)
    picture = badge(base64.b64decode(report.pop("png_base64")), report["faces"][0], layout)
    record = {
        "original": _put(store, photo, path.suffix),
        "badge": _put(store, picture, ".png"),
        "layout": layout,
        "altered": report["altered"],
        "report": report,
    }
    _put(store, json.dumps(record, indent=2).encode(), ".json")
    return record


def _put(store: Path, data: bytes, suffix: str) -> str:
    """Store under the content's own hash: nothing is overwritten, everything can be checked."""
    name = hashlib.sha256(data).hexdigest() + suffix
    temporary = store / f".{name}.tmp"
    temporary.write_bytes(data)
    temporary.replace(store / name)
    return name


def main() -> int:
    """Process every photograph; 1 when one was rejected."""
    parser = argparse.ArgumentParser(description="Badge pictures with neutral faces.")
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--url", default="http://localhost:8000")
    parser.add_argument("--layout", choices=LAYOUTS, default="eyes")
    arguments = parser.parse_args()
    arguments.store.mkdir(parents=True, exist_ok=True)
    rejected = 0
    with httpx.Client(base_url=arguments.url, timeout=60) as client:
        for path in arguments.photos:
            try:
                record = process(client, path, arguments.store, arguments.layout)
            except RejectedError as reason:
                rejected += 1
                print(f"{path}: rejected: {reason}", file=sys.stderr)
            else:
                print(f"{path}: {record['badge']} (altered: {record['altered']})")
    return 1 if rejected else 0


if __name__ == "__main__":
    sys.exit(main())
