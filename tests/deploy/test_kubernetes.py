"""Kubernetes manifests against the API's schemas, and against each other and the service."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from app.main import create_app
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
VERSIONS = ["1.30", kubernetes_validate.latest_version()]  # preStop sleep came with 1.30


def documents() -> list[dict[str, Any]]:
    return [
        document
        for path in sorted(FOLDER.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]


def all_named(kind: str, name: str = "stoicnet") -> list[dict[str, Any]]:
    return [d for d in documents() if d["kind"] == kind and d["metadata"]["name"] == name]


def named(kind: str, name: str = "stoicnet") -> dict[str, Any]:
    [found] = all_named(kind, name)
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_follow_the_schemas(version: str) -> None:
    found = documents()
    assert len(found) == 7
    for document in found:
        kubernetes_validate.validate(document, version, strict=True)


def test_the_schema_check_finds_a_fault() -> None:
    wrong = copy.deepcopy(named("Deployment"))
    wrong["spec"]["template"]["spec"]["containers"][0]["livenessprobe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="livenessprobe"):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("name", ["stoicnet", "stoicnet-gpu"])
def test_deployments(name: str) -> None:
    spec = named("Deployment", name)["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() <= labels.items()
    assert named("Service")["spec"]["selector"].items() <= labels.items()
    pod = spec["template"]["spec"]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    paths = create_app(Settings()).openapi()["paths"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["path"] in paths
    # A probe may not kill a pod that is busy: liveness asks the cheap question.
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    stop = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    longest = Settings().upload_timeout + Settings().request_timeout
    assert pod["terminationGracePeriodSeconds"] > stop + longest, "accepted work is finished"
    settings = {entry["name"] for entry in container["env"]}
    known = {f"STOICNET_{field.upper()}" for field in Settings.model_fields}
    assert settings <= known


def test_the_two_deployments_do_not_claim_each_others_pods() -> None:
    components = [
        named("Deployment", name)["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"]
        for name in ("stoicnet", "stoicnet-gpu")
    ]
    assert components == ["cpu", "gpu"]
    gpu = named("Deployment", "stoicnet-gpu")["spec"]["template"]["spec"]
    assert gpu["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert gpu["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1


def test_both_scalers_scale_the_deployment_by_something_there_is() -> None:
    by_cpu, by_queue = sorted(
        all_named("HorizontalPodAutoscaler"), key=lambda d: str(d["spec"]["metrics"][0]["type"])
    )[::-1]
    for scaler in (by_cpu, by_queue):
        assert scaler["spec"]["scaleTargetRef"]["name"] == named("Deployment")["metadata"]["name"]
    waiting = by_queue["spec"]["metrics"][0]["pods"]["metric"]["name"]
    assert waiting in (ROOT / "app" / "main.py").read_text()
