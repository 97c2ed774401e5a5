"""Stopping the service on Ray: during its work, and while it starts."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.command import EXIT_CANNOT_START
from tests.app.conftest import clean_environment, free_port, stoicnet, until
from tests.app.files import encode
from tests.app.scale.conftest import RayService
from tests.app.scale.processes import descendants, gone

pytestmark = pytest.mark.slow

PATIENCE_S = 240


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)


def connected(client: httpx.Client) -> socket.socket:
    """A connection whose kernel buffer holds little, so that an answer waits for its reader."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.settimeout(PATIENCE_S)
    try:
        raw.connect((client.base_url.host, client.base_url.port or 0))
    except BaseException:
        raw.close()
        raise
    return raw


def request_of(client: httpx.Client, data: bytes) -> bytes:
    request = client.build_request("POST", "/neutralize", files={"file": data})
    request.read()
    lines = [f"{key}: {value}" for key, value in request.headers.items()]
    head = "\r\n".join(["POST /neutralize HTTP/1.1", *lines, "", ""])
    return head.encode() + request.content


def answer_on(raw: socket.socket) -> tuple[str, dict[str, str], bytes]:
    """Status line, headers and body; fails when the body is cut short."""
    with raw, raw.makefile("rb") as file:
        status = file.readline().decode()
        headers: dict[str, str] = {}
        while line := file.readline().decode().strip():
            key, _, value = line.partition(":")
            headers[key.lower()] = value.strip()
        return status, headers, file.read(int(headers["content-length"]))


def port_is_closed(client: httpx.Client) -> bool:
    try:
        connected(client).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_stop_answers_what_was_accepted(
    ray_service: RayService, astronaut: NDArray[np.uint8]
) -> None:
    client, process = ray_service.client, ray_service.process  # their last test
    small = encode(astronaut, "JPEG")
    noise = np.random.default_rng(0).integers(0, 64, (2048, 2048, 3), np.uint8)
    large = encode(np.kron(astronaut, np.ones((4, 4, 1), np.uint8)) // 2 + noise, "JPEG")

    def post(data: bytes) -> httpx.Response:
        return client.post("/neutralize", files={"file": data})

    # An answer of megabytes that its client does not read yet.
    slow = connected(client)
    slow.sendall(request_of(client, large))
    until(client, "stoicnet_requests_working", 1)
    until(client, "stoicnet_requests_working", 0)
    with ThreadPoolExecutor(3) as pool:
        last = [pool.submit(post, small) for _ in range(3)]
        until(client, "stoicnet_requests_working", 1)
        until(client, "stoicnet_requests_waiting", 2)
        below = descendants(process.pid)
        # Sent on a connection of its own before the signal, perhaps not read by then.
        unread = connected(client)
        unread.sendall(b"GET /livez HTTP/1.1\r\nHost: stoicnet\r\n\r\n")
        process.send_signal(signal.SIGTERM)
        base = client.base_url
        wait_for(lambda: httpx.get(f"{base}/readyz", timeout=60).status_code == 503)
        told = httpx.get(f"{base}/readyz", timeout=60)
        assert told.json()["code"] == "not_ready"
        assert int(told.headers["retry-after"]) >= 1
        live = httpx.get(f"{base}/livez", timeout=60)
        assert (live.status_code, live.headers["connection"]) == (200, "close")
        # The second signal ends the waiting for balancers, and no request.
        process.send_signal(signal.SIGTERM)
        assert [each.result().status_code for each in last] == [200, 200, 200]
    assert answer_on(unread)[0].startswith("HTTP/1.1 200")
    wait_for(lambda: port_is_closed(client))
    assert process.poll() is None  # it waits for the slow one
    status, headers, body = answer_on(slow)
    assert status.startswith("HTTP/1.1 200")
    assert len(body) == int(headers["content-length"]) > 4_000_000
    with Image.open(io.BytesIO(body)) as picture:
        picture.load()
        assert picture.size == (2048, 2048)
    assert process.wait(PATIENCE_S) == 0, ray_service.log.read_text()
    wait_for(lambda: gone(below))


@contextmanager
def starting(toy_models: Path, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The service on Ray, just begun, and its log; killed afterwards if it still runs."""
    log = folder / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            stoicnet("serve", "--engine", "ray", "--port", str(free_port())),
            env=clean_environment(device="cpu", models_dir=str(toy_models)),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process, log
    finally:
        process.kill()
        process.wait()


def test_a_stop_while_it_starts(toy_models: Path, tmp_path: Path) -> None:
    with starting(toy_models, tmp_path) as (process, log):
        wait_for(lambda: any("gcs_server" in line for line in descendants(process.pid).values()))
        below = descendants(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0, log.read_text()
        wait_for(lambda: gone(below))
        assert "Traceback" not in log.read_text()


def test_a_node_that_ends_while_it_starts_is_not_waited_for(
    toy_models: Path, tmp_path: Path
) -> None:
    with starting(toy_models, tmp_path) as (process, log):

        def raylets() -> list[int]:
            below = descendants(process.pid)
            return [pid for pid, line in below.items() if "--raylet_socket" in line]

        wait_for(lambda: bool(raylets()))
        for pid in raylets():
            os.kill(pid, signal.SIGKILL)
        assert process.wait(PATIENCE_S) == EXIT_CANNOT_START, log.read_text()
        assert "Ray's node ended with code -9" in log.read_text()
