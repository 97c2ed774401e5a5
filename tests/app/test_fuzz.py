"""Requests made up from the API's own description, and broken photographs, sent to the service.

A small number by default; `make fuzz` takes FUZZ_EXAMPLES=2000.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as PilImage

from tests.app.files import animation, bomb, deep_png, encode, with_orientation

Image = NDArray[np.uint8]

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "25"))
REFUSALS = frozenset({400, 413, 415, 422, 429})
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance"
)


@pytest.mark.slow
def test_requests_made_up_from_the_description(server: httpx.Client) -> None:
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.base_url}/openapi.json"]
    command += ["--max-examples", str(EXAMPLES), "--checks", CHECKS, "--no-color", "--seed", "1"]
    command += ["--phases", "examples,coverage,fuzzing", "--generation-database", "none"]
    command += ["--suppress-health-check", "all"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=3600)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def palette(image: Image) -> bytes:
    buffer = io.BytesIO()
    PilImage.fromarray(image).quantize(64).save(buffer, "PNG")
    return buffer.getvalue()


def cmyk(image: Image) -> bytes:
    buffer = io.BytesIO()
    PilImage.fromarray(image).convert("CMYK").save(buffer, "JPEG")
    return buffer.getvalue()


def wrong_length(image: Image) -> bytes:
    """A PNG whose first data chunk claims to be longer than the file."""
    data = bytearray(encode(image))
    position = data.index(b"IDAT") - 4
    data[position : position + 4] = (0x7FFFFFF0).to_bytes(4, "big")
    return bytes(data)


def absurd_size(image: Image) -> bytes:
    """A BMP that claims two thousand million columns."""
    data = bytearray(encode(image, "BMP"))
    data[18:22] = (0x7FFFFFFF).to_bytes(4, "little")
    return bytes(data)


GOOD: dict[str, Callable[[Image], bytes]] = {
    "cmyk": cmyk,
    "palette": palette,
    "16 bit": deep_png,
    "progressive": lambda image: encode(image, "JPEG", progressive=True),
    **{
        f"exif {orientation}": lambda image, o=orientation: with_orientation(image, o)  # type: ignore[misc]
        for orientation in range(1, 9)
    },
}
BAD: dict[str, Callable[[Image], bytes]] = {
    "bomb": lambda _: bomb(),
    "animation": lambda _: animation("WebP"),
    "pages": lambda _: animation("TIFF"),
    "one pixel": lambda image: encode(np.ascontiguousarray(image[:1, :1])),
    "one row": lambda image: encode(np.ascontiguousarray(image[:1])),
    "wrong length": wrong_length,
    "absurd size": absurd_size,
    "nothing": lambda _: b"",
}


@pytest.mark.parametrize("kind", GOOD)
def test_unusual_photographs_are_taken(server: httpx.Client, astronaut: Image, kind: str) -> None:
    answer = server.post("/analyze", files={"file": GOOD[kind](astronaut)})
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert report["faces_found"] == 1
    assert (report["width"], report["height"]) == (512, 512)
    # Upright, whatever the file's rotation: the right eye is on the picture's left, above the nose.
    (x, y), _, (nose_x, nose_y) = report["faces"][0]["landmarks"][:3]
    assert abs(x - 203) < 12
    assert abs(y - 101) < 12
    assert x < nose_x
    assert y < nose_y


@pytest.mark.parametrize("kind", BAD)
def test_broken_photographs_are_refused(server: httpx.Client, astronaut: Image, kind: str) -> None:
    answer = server.post("/neutralize", files={"file": BAD[kind](astronaut)})
    assert answer.status_code in REFUSALS, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP", "BMP", "TIFF"])
def test_a_file_cut_at_every_tenth(server: httpx.Client, astronaut: Image, kind: str) -> None:
    data = encode(np.ascontiguousarray(astronaut[::4, ::4]), kind)
    for tenth in range(10):
        answer = server.post("/analyze", files={"file": data[: len(data) * tenth // 10]})
        assert answer.status_code == 400, (tenth, answer.text)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data(), kind=st.sampled_from(["JPEG", "PNG", "WebP", "BMP", "TIFF"]))
def test_flipped_bits_give_documented_statuses(
    server: httpx.Client, astronaut: Image, data: st.DataObject, kind: str
) -> None:
    broken = bytearray(encode(np.ascontiguousarray(astronaut[60:156:2, 160:288:2]), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, len(broken) - 1))
        broken[position] ^= 1 << data.draw(st.integers(0, 7))
    answer = server.post("/neutralize", files={"file": bytes(broken)})
    assert answer.status_code in REFUSALS | {200}, answer.text
