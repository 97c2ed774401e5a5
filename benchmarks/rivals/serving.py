"""Servers to measure: how each is started, known to be up, and ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

PYTHON = [sys.executable, "-m"]


@dataclass(frozen=True)
class Server:
    """A command that serves on a port, and where it says that it is up."""

    command: list[str]
    health: str = "/health"
    environment: dict[str, str] = field(default_factory=dict)
    note: str = ""
    query: str = ""  # more options of the request
    folder: Path | None = None  # where it is started; None is here


OURS = [sys.executable, "-c", "from app.cli import main; main()", "serve", "--port", "{port}"]
_PLAIN = [*PYTHON, "uvicorn", "benchmarks.rivals.plain:app", "--log-level", "error"]
_LIT = [*PYTHON, "benchmarks.rivals.lit", "--port", "{port}"]
_QUEUE = {"STOICNET_QUEUE_SIZE": "128", "STOICNET_REQUEST_TIMEOUT": "120"}

SERVERS = {
    "stoicnet": Server(OURS, "/readyz", _QUEUE, "default settings, a queue for every user"),
    "stoicnet, 1 thread": Server(
        OURS,
        "/readyz",
        _QUEUE | {"STOICNET_INTRA_OP_THREADS": "1"},
        "STOICNET_INTRA_OP_THREADS=1",
    ),
    "stoicnet, report=minimal": Server(
        OURS,
        "/readyz",
        _QUEUE,
        "without readings of the expression and hashes, as the others do",
        query="&report=minimal",
    ),
    "litserve": Server(
        [*_LIT, "--workers", "2", "--max-batch", "8"],
        note="2 workers of one thread, batches of up to 8 within 10 ms",
    ),
    "litserve, no batches": Server([*_LIT, "--workers", "2"], note="2 workers of one thread"),
    "plain handler": Server(
        [*_PLAIN, "--port", "{port}"],
        note="FastAPI's thread pool, ONNX Runtime's and OpenCV's defaults",
    ),
    "plain handler, tuned": Server(
        [*_PLAIN, "--port", "{port}", "--workers", "2"],
        environment={"RIVAL_THREADS": "1"},
        note="2 processes, one ONNX Runtime thread each",
    ),
}


@contextmanager
def serving(server: Server) -> Iterator[tuple[str, psutil.Process]]:
    """The server, ready, at its address; ended with all its processes afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = os.environ | {"STOICNET_LOG_LEVEL": "error"} | server.environment
    command = [part.replace("{port}", port) for part in server.command]
    process = psutil.Popen(command, cwd=server.folder, env=environment, stdout=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{base}{server.health}", process)
        yield base, process
    finally:
        children = process.children(recursive=True)
        process.terminate()
        _, alive = psutil.wait_procs([process, *children], timeout=20)
        for each in alive:
            each.kill()


def _wait(url: str, process: psutil.Process, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"{url} did not come up")
        time.sleep(0.1)
