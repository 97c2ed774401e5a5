"""Dashboard and scrape configuration ask for what a running service really says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest
import yaml

from tests.app.files import encode
from tests.web.service import running_service

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
_METRIC = re.compile(r"\b((?:stoicnet|process)_[a-z_]+)")


@pytest.fixture(scope="module")
def exposition(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What Prometheus reads after one photograph and one refusal."""
    from skimage import data

    [scrape] = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())[
        "scrape_configs"
    ]
    with running_service(tmp_path_factory.mktemp("service")) as client:
        for file in (encode(data.astronaut()), b"no image"):
            client.post("/neutralize", files={"file": file})
        answer: httpx.Response = client.get(scrape["metrics_path"])
    assert answer.status_code == 200
    return answer.text


def test_every_metric_of_the_dashboard_exists(exposition: str) -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "dashboards" / "stoicnet.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked = {name for expression in expressions for name in _METRIC.findall(expression)}
    given = {line.split("{")[0].split(" ")[0] for line in exposition.splitlines()}
    assert len(asked) > 10
    assert asked - given == set()


def test_routes_and_codes_are_labelled_as_the_dashboard_asks(exposition: str) -> None:
    assert 'route="/neutralize"' in exposition
    assert 'code="ok"' in exposition
    assert 'code="not_an_image"' in exposition
    for stage in ("decode", "detect", "infer", "encode"):
        assert f'stage="{stage}"' in exposition


def test_grafana_finds_its_source_and_dashboards() -> None:
    folder = DEPLOY / "grafana" / "provisioning"
    [source] = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ]
    dashboard = json.loads((DEPLOY / "grafana" / "dashboards" / "stoicnet.json").read_text())
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {source["uid"]}
    [provider] = yaml.safe_load((folder / "dashboards" / "stoicnet.yml").read_text())["providers"]
    compose = yaml.safe_load((DEPLOY.parent / "docker-compose.yml").read_text())
    mounts = [volume.split(":")[1] for volume in compose["services"]["grafana"]["volumes"]]
    assert provider["options"]["path"] in mounts
