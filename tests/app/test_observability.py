from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.faces.detector import FaceDetector
from app.inference.batcher import MicroBatcher
from app.main import create_app
from app.observability.logs import REQUEST_ID, configure_logging
from app.observability.traces import Traces
from app.pipeline import Neutralizer
from app.settings import Settings
from tests.app.conftest import metric
from tests.app.files import encode

Image = NDArray[np.uint8]


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("logging_as_before")
def test_json_lines_carry_the_request(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_format="json"))
    token = REQUEST_ID.set("abc")
    logging.getLogger("somewhere").warning("a %s", "warning", extra={"route": "/info"})
    REQUEST_ID.reset(token)
    line = json.loads(capsys.readouterr().err)
    assert line["request_id"] == "abc"
    assert line["level"] == "WARNING"
    assert line["message"] == "a warning"
    assert line["route"] == "/info"


@pytest.mark.usefixtures("logging_as_before")
def test_text_lines_carry_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_format="text"))
    logging.getLogger("somewhere").info("hello")
    assert "INFO somewhere [-] hello" in capsys.readouterr().err


def test_the_requests_line_holds_no_personal_data(
    neutralizer: Neutralizer,
    toy_models: Path,
    astronaut: Image,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    audit = tmp_path / "audit.jsonl"
    settings = Settings(models_dir=toy_models, device="cpu", audit_log=audit)
    caplog.set_level(logging.INFO, "stoicnet.requests")
    with TestClient(create_app(settings, neutralizer)) as client:
        answer = client.post(
            "/neutralize?strength=0.5",
            files={"file": ("Eileen Collins.png", encode(astronaut))},
            headers={"X-Request-ID": "line-1"},
        )
        assert answer.status_code == 200
        assert client.post("/analyze", files={"file": b"x"}).status_code == 400
    lines = [record for record in caplog.records if record.name == "stoicnet.requests"]
    first = lines[0].__dict__
    assert (first["route"], first["status"], first["code"]) == ("/neutralize", 200, "ok")
    assert first["stages"]["infer"] > 0
    assert lines[1].__dict__["code"] == "not_an_image"
    assert "Eileen" not in caplog.text
    kept = [json.loads(line) for line in audit.read_text().splitlines()]
    assert [entry["code"] for entry in kept] == ["ok", "not_an_image"]
    assert kept[0]["request_id"] == "line-1"
    assert kept[0]["altered"] is True
    assert "Eileen" not in audit.read_text()


def test_traces_name_the_request_and_its_stages() -> None:
    exporter = InMemorySpanExporter()
    traces = Traces("http://localhost:1/v1/traces", exporter)
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    stages = [("decode", 1_000, 2_000), ("infer", 2_000, 5_000)]
    traces.request("/neutralize", headers, 500, 6_000, {"stoicnet.code": "ok"}, stages)
    traces.close()
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert set(spans) == {"/neutralize", "decode", "infer"}
    request = spans["/neutralize"]
    assert f"{request.context.trace_id:032x}" == trace_id
    assert request.attributes is not None
    assert request.attributes["stoicnet.code"] == "ok"
    assert spans["infer"].parent == request.context
    assert (spans["infer"].start_time, spans["infer"].end_time) == (2_000, 5_000)


def test_a_dead_model_is_said_by_the_probes(toy_models: Path, astronaut: Image) -> None:
    settings = Settings(models_dir=toy_models, device="cpu", warm_up=False)
    built = Neutralizer.build(settings)
    photo, lost = built.models["photo"], threading.Event()

    def run(crops: Image, strengths: NDArray[np.float32], _: NDArray[np.float32]) -> Image:
        if lost.is_set():
            raise RuntimeError("the device is lost")
        return photo.session.run(crops, strengths)

    models = {"photo": replace(photo, batcher=MicroBatcher(run))}
    own = Neutralizer(FaceDetector(), models, settings)
    with TestClient(create_app(settings, own)) as client:
        assert client.get("/readyz").status_code == 200
        lost.set()
        for _ in range(3):
            answer = client.post("/neutralize", files={"file": encode(astronaut)})
            assert answer.status_code == 503
            assert answer.json()["code"] == "inference_failed"
        assert client.get("/livez").status_code == 503
        assert client.get("/readyz").status_code == 503
        lost.clear()
        answer = client.post("/neutralize", files={"file": encode(astronaut)})
        assert answer.status_code == 200
        assert client.get("/livez").status_code == 200


def test_a_path_with_a_slash_is_counted_under_its_name(server: httpx.Client) -> None:
    name = 'stoicnet_requests_total{code="ok",route="/info",status="200"}'
    server.get("/info")
    before = metric(server, name)
    assert server.get("/info/").status_code == 200
    assert metric(server, name) == before + 1
