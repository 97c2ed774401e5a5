from __future__ import annotations

import io
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PilImage

from app.client import Client, Options, ServiceError
from tests.app.conftest import free_port, running
from tests.app.files import encode

Image = NDArray[np.uint8]


@pytest.fixture(scope="module")
def address(server: httpx.Client) -> str:
    return str(server.base_url)


def test_a_photograph_and_its_facts(address: str, astronaut: Image, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(encode(astronaut))
    with Client(address) as client:
        answer = client.neutralize(path, Options(faces="largest", strength=0.5, model="photo"))
        with PilImage.open(io.BytesIO(answer.png)) as image:
            assert image.size == (512, 512)
        assert answer.model.startswith("photo/")
        assert answer.provider == "CPUExecutionProvider"
        assert len(answer.request_id) == 32
        report = client.analyze(encode(astronaut))
        assert report.faces_found == 1
        assert report.faces[0].quality["SingleFacePresent"].quality == 100
        assert client.info().name == "StoicNet"


def test_refusals_are_typed(address: str, no_face: Image) -> None:
    with Client(address) as client, pytest.raises(ServiceError) as refused:
        client.neutralize(encode(no_face))
    assert refused.value.status == 422
    assert refused.value.code == "no_face"
    assert refused.value.request_id


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory, toy_models: Path) -> Iterator[str]:
    """A service with one place and half a second a photograph."""
    settings = {"workers": "1", "queue_size": "0", "batch_delay_ms": "500", "warm_up": "false"}
    log = tmp_path_factory.mktemp("busy") / "log.txt"
    with running(log, models_dir=str(toy_models), **settings) as (client, _):
        yield str(client.base_url)


@pytest.mark.slow
def test_a_full_queue_is_waited_for(busy: str, astronaut: Image) -> None:
    photo = encode(astronaut, "JPEG")
    with Client(busy, retries=20) as client, ThreadPoolExecutor(3) as pool:
        start = time.monotonic()
        answers = [pool.submit(client.neutralize, photo) for _ in range(3)]
        assert all(answer.result(60).altered for answer in answers)
    assert time.monotonic() - start > 1.4  # three, one after the other


def test_a_wait_that_is_too_long_is_an_error(busy: str, astronaut: Image) -> None:
    photo = encode(astronaut, "JPEG")
    hasty = Client(busy, retries=5, longest_wait_s=0.1)
    with hasty, Client(busy) as patient, ThreadPoolExecutor(1) as pool:
        first = pool.submit(patient.neutralize, photo)
        while "stoicnet_requests_working 1.0" not in httpx.get(f"{busy}/metrics").text:
            time.sleep(0.01)
        with pytest.raises(ServiceError) as refused:
            hasty.neutralize(photo)
        assert first.result(60).altered
    assert refused.value.status == 429


def test_a_service_that_is_not_there_is_tried_again() -> None:
    start = time.monotonic()
    client = Client(f"http://127.0.0.1:{free_port()}", retries=1)
    with client, pytest.raises(httpx.ConnectError):
        client.info()
    assert time.monotonic() - start > 0.4  # one more attempt, after half a second
