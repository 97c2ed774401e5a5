"""A full queue, deadlines, clients that leave, and a stop in the middle of work.

A batch delay of a second makes every photograph take that long, whatever the machine.
"""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import Popen

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.app.conftest import running, until
from tests.app.files import encode

pytestmark = pytest.mark.slow

Image = NDArray[np.uint8]
Running = tuple[httpx.Client, "Popen[bytes]"]


@pytest.fixture(scope="module")
def photo(astronaut: Image) -> bytes:
    return encode(astronaut, "JPEG")


def post(client: httpx.Client, photo: bytes, route: str = "/neutralize") -> httpx.Response:
    return client.post(route, files={"file": photo})


def connected(client: httpx.Client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port or 0), 20)


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory, toy_models: Path) -> Iterator[Running]:
    """One worker, one request waiting, a second a photograph."""
    settings = {"workers": "1", "queue_size": "1", "batch_delay_ms": "1000"}
    log = tmp_path_factory.mktemp("slow") / "log.txt"
    with running(log, models_dir=str(toy_models), warm_up="false", **settings) as started:
        yield started


def test_a_full_queue_answers_429_and_probes_still_answer(slow: Running, photo: bytes) -> None:
    client, _ = slow
    with ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(post, client, photo) for _ in range(6)]
        until(client, "stoicnet_requests_working", 1)
        assert client.get("/livez").status_code == 200
        assert client.get("/readyz").status_code == 200
        responses = [answer.result(60) for answer in answers]
    statuses = sorted(response.status_code for response in responses)
    assert set(statuses) == {200, 429}
    assert statuses.count(200) >= 2
    for response in responses:
        if response.status_code == 429:
            assert response.json()["code"] == "queue_full"
            assert int(response.headers["retry-after"]) >= 1
    until(client, "stoicnet_requests_waiting", 0)


def test_a_client_that_leaves_frees_its_place(slow: Running, photo: bytes) -> None:
    client, _ = slow
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, client, photo)
        until(client, "stoicnet_requests_working", 1)
        hasty = httpx.Client(base_url=client.base_url, timeout=0.3)
        with hasty, pytest.raises(httpx.ReadTimeout):
            post(hasty, photo)
        until(client, "stoicnet_requests_waiting", 0)  # the place is free before the first is done
        assert first.result(60).status_code == 200
    text = client.get("/metrics").text
    left = 'stoicnet_requests_total{code="client_gone",route="/neutralize",status="499"} 1.0'
    assert left in text


def test_metrics_answer_an_operators_questions(slow: Running, photo: bytes) -> None:
    client, _ = slow
    assert post(client, photo).status_code == 200
    assert post(client, b"no photograph").status_code == 400
    assert post(client, encode(np.zeros((64, 64, 3), np.uint8))).status_code == 422
    text = client.get("/metrics").text
    for expected in (
        'stoicnet_requests_total{code="not_an_image",route="/neutralize",status="400"}',
        'stoicnet_stage_seconds_count{stage="infer"}',
        'stoicnet_stage_seconds_count{stage="queue"}',
        "stoicnet_batch_size_count",
        'stoicnet_faces_found_bucket{le="0.0"} 1.0',  # refused pictures count too
        "stoicnet_requests_limit 2.0",
        'provider="CPUExecutionProvider"',
        "process_resident_memory_bytes",
        "stoicnet_ready 1.0",
    ):
        assert expected in text


def test_a_stop_finishes_what_was_accepted(tmp_path: Path, toy_models: Path, photo: bytes) -> None:
    settings = {"workers": "1", "queue_size": "4", "batch_delay_ms": "500", "warm_up": "false"}
    log = tmp_path / "log.txt"
    with running(log, models_dir=str(toy_models), **settings) as (client, process):
        with ThreadPoolExecutor(3) as pool:
            answers = [pool.submit(post, client, photo) for _ in range(3)]
            until(client, "stoicnet_requests_working", 1)
            until(client, "stoicnet_requests_waiting", 2)
            # Sent on a connection of its own before the signal, perhaps not read by then.
            unread = [connected(client) for _ in range(8)]
            for raw in unread:
                raw.sendall(b"GET /livez HTTP/1.1\r\nHost: stoicnet\r\n\r\n")
            process.send_signal(signal.SIGTERM)
            for raw in unread:
                with raw:
                    assert raw.recv(4096).startswith(b"HTTP/1.1 200 ")
            assert [answer.result(60).status_code for answer in answers] == [200, 200, 200]
        process.wait(30)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory, toy_models: Path) -> Iterator[Running]:
    """Short deadlines, keys, and a second a photograph."""
    folder = tmp_path_factory.mktemp("strict")
    (folder / "keys").write_text("# badge office\nfrom-the-file\n")
    settings = {
        "batch_delay_ms": "1000",
        "request_timeout": "0.4",
        "upload_timeout": "0.5",
        "drain_seconds": "1.5",
        "api_keys": "one, two",
        "api_keys_file": str(folder / "keys"),
        "cors_origins": '["https://badges.example"]',
        "warm_up": "false",
    }
    with running(folder / "log.txt", models_dir=str(toy_models), **settings) as started:
        started[0].headers["Authorization"] = "Bearer one"
        yield started


def test_a_deadline_that_passes_is_504(strict: Running, photo: bytes) -> None:
    client, _ = strict
    answer = post(client, photo)
    assert answer.status_code == 504, answer.text
    assert answer.json()["code"] == "deadline_exceeded"
    until(client, "stoicnet_requests_working", 0)  # the abandoned photograph ends


def test_an_upload_that_stalls_is_408(strict: Running) -> None:
    client, _ = strict
    with connected(client) as raw:
        raw.sendall(
            b"POST /neutralize HTTP/1.1\r\nHost: x\r\nX-API-Key: two\r\nContent-Length: 5000\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
        )
        assert raw.recv(4096).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("key", ["one", "two", "from-the-file"])
def test_every_key_is_accepted(strict: Running, key: str) -> None:
    client, _ = strict
    for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key, "Authorization": ""}):
        assert client.post("/analyze", headers=headers).status_code == 415  # let in, no photograph


@pytest.mark.parametrize("key", ["", "on", "one,two", "# badge office"])
def test_without_a_valid_key_nothing_is_done(strict: Running, photo: bytes, key: str) -> None:
    client, _ = strict
    answer = client.post(
        "/neutralize", files={"file": photo}, headers={"X-API-Key": key, "Authorization": "Basic x"}
    )
    assert answer.status_code == 401, answer.text
    assert answer.json()["code"] == "unauthorized"
    assert answer.headers["www-authenticate"] == "Bearer"


def test_cors_is_for_the_configured_origin_alone(strict: Running, slow: Running) -> None:
    for client, origin, allowed in (
        (strict[0], "https://badges.example", "https://badges.example"),
        (strict[0], "https://other.example", None),
        (slow[0], "https://badges.example", None),
    ):
        answer = client.get("/livez", headers={"Origin": origin})
        assert answer.headers.get("access-control-allow-origin") == allowed


def test_draining_is_said_before_the_port_closes(strict: Running) -> None:
    client, process = strict  # the last test of this service
    process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 1.2
    while (ready := client.get("/readyz")).status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert ready.status_code == 503
    assert ready.json()["code"] == "not_ready"
    live = client.get("/livez")
    assert (live.status_code, live.headers["connection"]) == (200, "close")
    assert process.wait(30) in (0, -15)
