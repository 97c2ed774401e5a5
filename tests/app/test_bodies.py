"""How a photograph and its options may be sent: forms, the file itself, JSON; a slash too many."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PilImage

from tests.app.files import encode
from tests.app.test_api import assert_problem

Image = NDArray[np.uint8]
JSON = {"Content-Type": "application/json"}


def sent(server: httpx.Client, data: bytes, query: dict[str, Any], form: Any) -> httpx.Response:
    files = {"file": ("a.png", data)}
    return server.post("/neutralize", files=files, params=query, data=form)


def as_json(server: httpx.Client, document: object, **query: object) -> httpx.Response:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    params = {name: str(value) for name, value in query.items()}
    return server.post("/neutralize", content=body, headers=JSON, params=params)


def test_a_slash_at_the_end_is_no_other_path(server: httpx.Client, astronaut: Image) -> None:
    answer = server.post("/neutralize/", files={"file": encode(astronaut)})
    assert answer.status_code == 200
    assert server.post("/analyze/", files={"file": encode(astronaut)}).status_code == 200
    for path in ("/info/", "/livez/", "/readyz/", "/metrics/", "/docs/", "/openapi.json/"):
        assert server.get(path).status_code == 200, path
    assert_problem(server.get("/nowhere/"), 404, "not_found")
    assert server.get("/").status_code == 200


def test_options_may_be_fields_of_the_form(server: httpx.Client, astronaut: Image) -> None:
    data = encode(astronaut)
    untouched = sent(server, data, {}, {"strength": "0"})
    assert untouched.headers["x-stoicnet-altered"] == "false"
    both = sent(server, data, {"strength": "0.0", "faces": "largest"}, {"strength": "0"})
    assert both.headers["x-stoicnet-altered"] == "false"
    differing = assert_problem(
        sent(server, data, {"strength": "1"}, {"strength": "0"}), 422, "invalid_request"
    )
    assert differing["errors"][0]["where"] == "body.strength"  # type: ignore[index]
    unknown = assert_problem(sent(server, data, {}, {"strenght": "1"}), 422, "invalid_request")
    assert unknown["errors"][0]["where"] == "body.strenght"  # type: ignore[index]
    assert_problem(sent(server, data, {}, {"strength": "2"}), 422, "invalid_request")
    twice = sent(server, data, {}, {"strength": ["0", "1"]})
    assert_problem(twice, 422, "invalid_request")
    # What only the whole makes sense of is judged as a whole.
    assert sent(server, data, {"aspect": "1"}, {"output": "portrait"}).status_code == 200
    split = sent(server, data, {"faces": "all"}, {"output": "face"})
    assert_problem(split, 422, "incompatible_options")


def test_the_file_may_be_the_body(server: httpx.Client, astronaut: Image) -> None:
    for kind in ("JPEG", "PNG", "WebP"):
        headers = {"Content-Type": f"image/{kind.lower()}"}
        answer = server.post(
            "/neutralize?strength=0", content=encode(astronaut, kind), headers=headers
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-stoicnet-altered"] == "false"
    jpeg = {"Content-Type": "image/jpeg"}
    assert_problem(server.post("/neutralize", content=b"", headers=jpeg), 400, "not_an_image")
    much = server.post("/analyze", content=bytes(5 * 1024 * 1024), headers=jpeg)
    assert_problem(much, 413, "too_many_bytes")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert_problem(
        server.post("/neutralize", content=b"a=b", headers=form), 415, "unsupported_media_type"
    )


@pytest.mark.parametrize("head", ["", "data:image/png;base64,"])
def test_the_file_may_be_in_json(server: httpx.Client, astronaut: Image, head: str) -> None:
    text = head + base64.b64encode(encode(astronaut)).decode()
    answer = as_json(server, {"image": text, "strength": 0, "output": "photo"})
    assert answer.status_code == 200, answer.text
    with PilImage.open(io.BytesIO(answer.content)) as image:
        assert np.array_equal(np.asarray(image), astronaut)
    assert as_json(server, {"image": text, "strength": 0}, strength=0).status_code == 200
    assert_problem(
        as_json(server, {"image": text, "strength": 0}, strength=1), 422, "invalid_request"
    )
    wrongs: list[dict[str, Any]] = [
        {"strength": [1]},
        {"strenght": 1},
        {"model": {}},
        {"mark": "?"},
    ]
    for wrong in wrongs:
        assert_problem(as_json(server, {"image": text, **wrong}), 422, "invalid_request")


def test_json_that_holds_no_photograph(server: httpx.Client) -> None:
    for broken in (b"", b"{", b"[1]", b"[" * 100_000, b'"text"', b"\xff"):
        assert_problem(as_json(server, broken), 400, "malformed_upload")
    for image in (None, 1, "not base64!", "https://example.org/a.jpg", "data:text/plain,hello"):
        assert_problem(as_json(server, {"image": image}), 422, "invalid_request")
    assert_problem(as_json(server, {}), 422, "invalid_request")
    letter = base64.b64encode(b"Dear sir").decode()
    assert_problem(as_json(server, {"image": letter}), 400, "not_an_image")
    # Counted like a form: by the photograph's bytes, and as it arrives.
    over = base64.b64encode(bytes(4 * 1024 * 1024 + 1)).decode()
    assert_problem(as_json(server, {"image": over}), 413, "too_many_bytes")
    assert_problem(as_json(server, {"image": over * 2}), 413, "too_many_bytes")


def test_what_a_request_does_not_accept_is_not_sent(server: httpx.Client, astronaut: Image) -> None:
    files = {"file": encode(astronaut)}
    for route, accept in (("/neutralize", "text/plain"), ("/analyze", "image/png")):
        answer = server.post(route, files=files, headers={"Accept": accept})
        assert_problem(answer, 406, "not_acceptable")
    for kind, head in (("jpeg", b"\xff\xd8\xff"), ("webp", b"RIFF"), ("png", b"\x89PNG")):
        asked = server.post("/neutralize", files=files, headers={"Accept": f"image/{kind}"})
        chosen = server.post("/neutralize", files=files, data={"format": kind})
        for answer in (asked, chosen):
            assert answer.headers["content-type"] == f"image/{kind}"
            assert answer.content.startswith(head)
    report = server.post(
        "/neutralize",
        files=files,
        params={"format": "jpeg"},
        headers={"Accept": "application/json"},
    ).json()
    assert report["media_type"] == "image/jpeg"
    assert report["png_base64"] is None
    assert base64.b64decode(report["image_base64"]).startswith(b"\xff\xd8\xff")
    contrary = server.post(
        "/neutralize", files=files, params={"format": "jpeg"}, headers={"Accept": "image/png"}
    )
    assert_problem(contrary, 406, "not_acceptable")
    assert_problem(
        server.post("/neutralize", files=files, data={"quality": "80"}), 422, "incompatible_options"
    )
