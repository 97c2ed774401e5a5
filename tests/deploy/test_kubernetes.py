"""Kubernetes manifests against the API's schemas, and against each other and the service."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from app.closing import longest_answer
from app.main import create_app
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
VERSIONS = ["1.30", kubernetes_validate.latest_version()]  # preStop sleep came with 1.30


def documents(of_operators: bool = False) -> list[dict[str, Any]]:
    """Objects of Kubernetes' own kinds; `of_operators` adds the RayService."""
    return [
        document
        for path in sorted(FOLDER.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
        if of_operators or document["kind"] != "RayService"
    ]


def all_named(kind: str, name: str = "stoicnet") -> list[dict[str, Any]]:
    return [d for d in documents() if d["kind"] == kind and d["metadata"]["name"] == name]


def named(kind: str, name: str = "stoicnet") -> dict[str, Any]:
    [found] = all_named(kind, name)
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_follow_the_schemas(version: str) -> None:
    found = documents()
    assert len(found) == 8
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
    longest = longest_answer(Settings())
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


def ray_service() -> dict[str, Any]:
    [found] = [d for d in documents(of_operators=True) if d["kind"] == "RayService"]
    return dict(found["spec"])


@pytest.mark.parametrize("version", VERSIONS)
def test_pods_of_the_ray_cluster_follow_the_schemas(version: str) -> None:
    cluster = ray_service()["rayClusterConfig"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    for group in groups:
        pod = {"apiVersion": "v1", "kind": "Pod", **copy.deepcopy(group["template"])}
        pod["metadata"]["name"] = "stoicnet-ray"
        kubernetes_validate.validate(pod, version, strict=True)
        pod["spec"]["containers"][0]["imagee"] = "x"
        with pytest.raises(kubernetes_validate.ValidationError, match="imagee"):
            kubernetes_validate.validate(pod, version, strict=True)
    for group in groups:
        [container] = group["template"]["spec"]["containers"]
        environment = {entry["name"]: entry["value"] for entry in container["env"]}
        assert environment["RAY_USAGE_STATS_ENABLED"] == "0"
        drained = float(environment["RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"])
        grace = group["template"]["spec"]["terminationGracePeriodSeconds"]
        assert longest_answer(Settings()) < drained < grace, "accepted work is finished"
        known = {f"STOICNET_{field.upper()}" for field in Settings.model_fields}
        assert {name for name in environment if name.startswith("STOICNET_")} <= known
        assert group["template"]["spec"]["securityContext"]["runAsNonRoot"]
        [policy] = all_named("NetworkPolicy", "stoicnet-ray")
        chosen = policy["spec"]["podSelector"]["matchLabels"].items()
        assert chosen <= group["template"]["metadata"]["labels"].items()


def test_what_ray_serve_is_told() -> None:
    from ray.serve import schema

    from app.ray import server as ray_server

    spec = ray_service()
    told = yaml.safe_load(spec["serveConfigV2"])
    config = schema.ServeDeploySchema.model_validate(told)
    [application] = config.applications
    module, _, name = application.import_path.partition(":")
    assert module == ray_server.__name__
    built = getattr(ray_server, name)(dict(application.args))
    assert built._bound_deployment.name == ray_server.DEPLOYMENT
    replicas = ray_server.Replicas.model_validate(application.args)
    assert replicas.most > replicas.least
    # All replicas find a place on the workers there may be.
    [group] = spec["rayClusterConfig"]["workerGroupSpecs"]
    cores = int(group["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"])
    assert group["maxReplicas"] * cores >= replicas.most * replicas.cpus
    with pytest.raises(ValueError, match="applications"):
        schema.ServeDeploySchema.model_validate({"applications": [{"import_path": 1}]})
