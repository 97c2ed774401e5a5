"""The service as users start it, for tests and scripts that need it running."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.app.conftest import clean_environment, free_port, stoicnet

START_UP_S = 120


@contextmanager
def running_service(folder: Path, **settings: str) -> Iterator[httpx.Client]:
    """Start `stoicnet serve` on a free port, and end it afterwards.

    Args:
        folder: its log goes there.
        settings: further settings, by lower-case name.

    Yields:
        A client whose base_url is the service.
    """
    port = free_port()
    log_path = folder / "service.log"
    environment = clean_environment(device="cpu", warm_up="false", **settings)
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            stoicnet("serve", "--port", str(port)),
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)
    try:
        _wait_until_ready(client, process, log_path)
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait(30)
    assert "Traceback" not in log_path.read_text()


def _wait_until_ready(
    client: httpx.Client, process: subprocess.Popen[bytes], log_path: Path
) -> None:
    deadline = time.monotonic() + START_UP_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log_path.read_text()
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"not ready after {START_UP_S} s: {log_path.read_text()}")
