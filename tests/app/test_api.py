"""The API through a server started as users start it."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PilImage

from app.api.documented import FACTS
from app.settings import DEFAULT_MODELS_DIR
from tests.app.files import animation, bomb, deep_png, encode, with_orientation

Image = NDArray[np.uint8]


def post(
    server: httpx.Client, data: bytes, name: str = "photo.jpg", **query: object
) -> httpx.Response:
    params = {key: str(value) for key, value in query.items()}
    return server.post("/neutralize", files={"file": (name, data)}, params=params)


def picture(response: httpx.Response) -> Image:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "image/png"
    with PilImage.open(io.BytesIO(response.content)) as image:
        assert image.format == "PNG"
        assert len(image.getexif()) == 0
        return np.asarray(image, np.uint8)


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, object]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = response.json()
    assert body["status"] == status
    assert body["code"] == code
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == response.headers["x-request-id"]
    return body


def test_probes_and_info(server: httpx.Client) -> None:
    assert server.get("/livez").json() == {"status": "ok"}
    assert server.get("/readyz").json() == {"status": "ok"}
    info = server.get("/info").json()
    assert info["provider"] == "CPUExecutionProvider"
    assert info["device"] == "cpu"
    assert info["models"]["photo"]["crop_sizes"] == [256, 512, 768, 1024]
    assert len(info["models"]["photo"]["sha256"]) == 64
    assert info["limits"]["max_bytes"] == 4 * 1024 * 1024


def test_photograph_in_photograph_out(server: httpx.Client, astronaut: Image) -> None:
    response = post(server, encode(astronaut))
    assert picture(response).shape == astronaut.shape
    assert response.headers["x-stoicnet-provider"] == "CPUExecutionProvider"
    assert response.headers["x-stoicnet-model"].startswith("photo/")
    assert response.headers["x-stoicnet-altered"] in ("true", "false")
    x, y, width, height = map(int, response.headers["x-stoicnet-face-box"].split(","))
    assert x < 203 < 246 < x + width
    assert y < 103 < y + height
    stages = [part.split(";")[0] for part in response.headers["server-timing"].split(", ")]
    own = [stage for stage in stages if stage != "measure"]  # measured only with a meter
    assert own == ["upload", "queue", "decode", "detect", "crop", "infer", "composite", "encode"]
    assert len(response.headers["x-request-id"]) == 32
    own = {name for name in response.headers if name.startswith("x-stoicnet-")}
    assert own <= {name.lower() for name in FACTS}, "documented"


def test_the_background_is_the_photographs_own(server: httpx.Client, astronaut: Image) -> None:
    answer = picture(post(server, encode(astronaut)))
    away = np.ones(astronaut.shape[:2], bool)
    away[20:240, 110:340] = False  # the crop around the face
    assert np.array_equal(answer[away], astronaut[away])


def test_exif_rotation(server: httpx.Client, astronaut: Image) -> None:
    photo = np.ascontiguousarray(astronaut[:400])
    answer = picture(post(server, with_orientation(photo, 6, "JPEG", quality=95)))
    assert answer.shape == photo.shape
    assert np.abs(answer[250:].astype(int) - photo[250:]).mean() < 4


def test_other_encodings_of_the_same_photograph(server: httpx.Client, astronaut: Image) -> None:
    grey = np.ascontiguousarray(astronaut[..., 1])
    for data in (
        encode(grey),
        deep_png(astronaut),
        encode(astronaut, "WebP"),
        encode(grey, "TIFF"),
    ):
        assert picture(post(server, data, "anything.xyz")).shape == astronaut.shape


def test_options(server: httpx.Client, astronaut: Image) -> None:
    data = encode(astronaut)
    assert picture(post(server, data, output="face")).shape == (256, 256, 3)
    untouched = post(server, data, strength=0)
    assert np.array_equal(picture(untouched), astronaut)
    assert untouched.headers["x-stoicnet-altered"] == "false"


def test_two_people(server: httpx.Client, two_faces: Image) -> None:
    data = encode(two_faces)
    problem = assert_problem(post(server, data), 422, "multiple_faces")
    assert len(problem["boxes"]) == 2  # type: ignore[arg-type]
    largest = post(server, data, faces="largest")
    assert picture(largest).shape == two_faces.shape
    assert "other face" in largest.headers["x-stoicnet-warnings"]
    assert post(server, data, faces="all").headers["x-stoicnet-face-box"].count(";") == 1


def test_json_answer(server: httpx.Client, astronaut: Image) -> None:
    response = server.post(
        "/neutralize",
        files={"file": encode(astronaut)},
        headers={"Accept": "application/json", "X-Request-ID": "mine-1"},
    )
    body = response.json()
    assert response.headers["x-request-id"] == "mine-1"
    assert (body["width"], body["height"]) == (512, 512)
    assert len(body["faces"][0]["landmarks"]) == 5
    with PilImage.open(io.BytesIO(base64.b64decode(body["png_base64"]))) as image:
        assert image.size == (512, 512)


BAD_FILES = {
    "text called jpg": (b"Dear sir, this is no photograph.", 400, "not_an_image"),
    "empty": (b"", 400, "not_an_image"),
    "bomb": (bomb(), 413, "too_many_pixels"),
    "too many bytes": (bytes(4 * 1024 * 1024 + 1), 413, "too_many_bytes"),
    "far too many bytes": (bytes(9 * 1024 * 1024), 413, "too_many_bytes"),
    "gif": (animation("GIF"), 415, "unsupported_image"),
    "animated webp": (animation("WebP"), 415, "unsupported_image"),
    "one pixel": (encode(np.zeros((1, 1, 3), np.uint8)), 422, "no_face"),
    "grey area": (encode(np.full((300, 400, 3), 127, np.uint8)), 422, "no_face"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files(server: httpx.Client, case: str) -> None:
    data, status, code = BAD_FILES[case]
    assert_problem(post(server, data), status, code)
    assert server.get("/livez").status_code == 200


@pytest.mark.parametrize("tenth", range(1, 10))
def test_truncated_jpeg(server: httpx.Client, astronaut: Image, tenth: int) -> None:
    data = encode(astronaut, "JPEG")
    assert_problem(post(server, data[: len(data) * tenth // 10]), 400, "damaged_image")


def test_photographs_that_do_not_do(server: httpx.Client, astronaut: Image, no_face: Image) -> None:
    assert_problem(post(server, encode(no_face)), 422, "no_face")
    tiny = np.ascontiguousarray(astronaut[::4, ::4])
    assert_problem(post(server, encode(tiny)), 422, "face_too_small")
    cropped = np.ascontiguousarray(astronaut[:140])
    assert_problem(post(server, encode(cropped)), 422, "face_cut_off")


def test_requests_that_make_no_sense(server: httpx.Client, astronaut: Image) -> None:
    data = encode(astronaut)
    assert_problem(post(server, data, strength=2), 422, "invalid_request")
    unknown = assert_problem(post(server, data, strenght=0.5), 422, "invalid_request")
    assert unknown["errors"][0]["where"] == "query.strenght"
    assert_problem(post(server, data, faces="some"), 422, "invalid_request")
    assert_problem(post(server, data, model="other"), 422, "invalid_request")
    both = post(server, data, faces="all", output="face")
    assert_problem(both, 422, "incompatible_options")
    assert_problem(server.post("/neutralize"), 415, "unsupported_media_type")
    other_field = server.post("/neutralize", files={"picture": data})
    assert_problem(other_field, 400, "malformed_upload")
    no_boundary = server.post(
        "/neutralize", content=b"x", headers={"Content-Type": "multipart/form-data"}
    )
    assert_problem(no_boundary, 400, "malformed_upload")
    wrong = assert_problem(server.get("/neutralize"), 405, "method_not_allowed")
    assert wrong["detail"] == "/neutralize does not answer GET, only POST."
    nowhere = assert_problem(server.get("/nowhere"), 404, "not_found")
    assert "/docs" in str(nowhere["detail"])


def test_a_body_without_length_is_counted_as_it_arrives(server: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
        for _ in range(6 * 16):
            yield bytes(64 * 1024)

    response = server.post(
        "/neutralize",
        content=endless(),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert_problem(response, 413, "too_many_bytes")


def test_description_and_page(server: httpx.Client) -> None:
    paths = server.get("/openapi.json").json()["paths"]
    assert {"/neutralize", "/analyze", "/info", "/livez", "/readyz", "/metrics"} <= paths.keys()
    for status, answer in paths["/neutralize"]["post"]["responses"].items():
        if status != "200":
            for example in answer["content"]["application/problem+json"]["examples"].values():
                assert example["value"]["status"] == int(status)
                assert example["value"]["detail"]
    assert set(paths["/neutralize"]["post"]["responses"]) == {
        "200",
        "400",
        "401",
        "406",
        "408",
        "413",
        "415",
        "422",
        "429",
        "503",
        "504",
    }
    assert "<form" in server.get("/").text
    assert server.head("/").status_code == 200
    assert DEFAULT_MODELS_DIR.is_dir()
