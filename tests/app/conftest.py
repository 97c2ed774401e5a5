"""Photographs, models and a running server for the tests of the service."""

from __future__ import annotations

import logging
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from app.faces.detector import FaceDetector
from app.pipeline import Neutralizer
from app.settings import DEFAULT_MODELS_DIR, Settings
from tests.app.toy_graph import write_models

Image = NDArray[np.uint8]


@pytest.fixture(autouse=True)
def no_log_handler_stays() -> Iterator[None]:
    """A command writes its log to the stderr that it was given, which ends with the test."""
    yield
    root = logging.getLogger()
    for handler in [each for each in root.handlers if type(each) is logging.StreamHandler]:
        root.removeHandler(handler)


@pytest.fixture(scope="session")
def astronaut() -> Image:
    """A smiling woman, uint8 RGB [512, 512, 3]: NASA's portrait of Eileen Collins."""
    return np.asarray(data.astronaut(), np.uint8)


@pytest.fixture(scope="session")
def two_faces(astronaut: Image) -> Image:
    """The same portrait twice, side by side."""
    return np.hstack([astronaut, astronaut])


@pytest.fixture(scope="session")
def no_face() -> Image:
    """Coffee, seen from above."""
    return np.asarray(data.coffee(), np.uint8)


@pytest.fixture(scope="session")
def detector() -> FaceDetector:
    return FaceDetector()


@pytest.fixture(scope="session")
def toy_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder whose `photo` brightens the lower half of the crop."""
    return write_models(tmp_path_factory.mktemp("toy_models"))


@pytest.fixture(scope="session")
def neutralizer(toy_models: Path) -> Neutralizer:
    """The real pipeline around the toy graph."""
    return Neutralizer.build(Settings(models_dir=toy_models, device="cpu", warm_up=False))


@pytest.fixture(scope="session")
def shipped() -> Neutralizer:
    """The real pipeline around the models of this repository."""
    return Neutralizer.build(Settings(device="cpu", warm_up=False))


def clean_environment(**settings: str) -> dict[str, str]:
    """The environment without STOICNET_ settings of whoever runs the tests, plus `settings`."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("STOICNET_")}
    return kept | {f"STOICNET_{key.upper()}": value for key, value in settings.items()}


def stoicnet(*arguments: str) -> list[str]:
    """The `stoicnet` command line, run by this Python."""
    return [sys.executable, "-c", "from app.cli import main; main()", *arguments]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    log_path: Path, *arguments: str, patience: float = 90, **settings: str
) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """`stoicnet serve`, started as users start it, with a client of it.

    Args:
        log_path: its output goes there.
        arguments: further ones of the command.
        patience: seconds that it may take to be ready.
        settings: by lower-case name.
    """
    port = free_port()
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            stoicnet("serve", "--port", str(port), *arguments),
            env=clean_environment(device="cpu", **settings),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)
    try:
        deadline = time.monotonic() + patience
        while True:
            assert process.poll() is None, log_path.read_text()
            assert time.monotonic() < deadline, log_path.read_text()
            try:
                if client.get("/readyz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield client, process
    finally:
        client.close()
        process.terminate()
        code = process.wait(patience)
    assert code in (0, -15), log_path.read_text()
    assert "Traceback" not in log_path.read_text()


def metric(client: httpx.Client, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", client.get("/metrics").text, re.MULTILINE)
    assert found, name
    return float(found[1])


def until(client: httpx.Client, name: str, value: float) -> None:
    """Wait until a metric has a value."""
    deadline = time.monotonic() + 60
    while metric(client, name) != value:
        assert time.monotonic() < deadline, (name, metric(client, name), value)
        time.sleep(0.02)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the service with the shipped models."""
    log_path = tmp_path_factory.mktemp("server") / "log.txt"
    settings = {"models_dir": str(DEFAULT_MODELS_DIR), "max_bytes": str(4 * 1024 * 1024)}
    with running(log_path, **settings) as (client, process):
        yield client
        assert process.poll() is None, log_path.read_text()
