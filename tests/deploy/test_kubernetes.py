"""Kubernetes manifests against the API's schemas, and against each other and the service."""

from __future__ import annotations

import copy
import subprocess
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


def load(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


def merge(base: Any, patch: Any) -> Any:
    """A strategic merge: maps by key; lists of containers by name, other lists replaced."""
    if isinstance(base, dict) and isinstance(patch, dict):
        return {**base, **{key: merge(base.get(key), patch[key]) for key in patch}}
    if isinstance(base, list) and all("image" in item for item in base):
        return [merge(old, new) for old, new in zip(base, patch, strict=True)]
    return patch


def render(overlay: str) -> list[dict[str, Any]]:
    """The objects of a folder, as `kubectl kustomize` gives them (for what these overlays use)."""
    [told] = load(FOLDER / overlay / "kustomization.yaml")
    found: list[dict[str, Any]] = []
    for name in told["resources"]:
        path = FOLDER / overlay / name
        found += render(path.resolve().name) if path.is_dir() else load(path)
    for patch in told.get("patches", []):
        kinds = patch["target"]["kind"].split("|")
        chosen = [d for d in found if d["kind"] in kinds]
        found = [d for d in found if d["kind"] not in kinds]
        if "path" in patch:
            [change] = load(FOLDER / overlay / patch["path"])
            found += [merge(d, change) for d in chosen]
        else:
            assert yaml.safe_load(patch["patch"])["$patch"] == "delete"
    return found


BASE, GPU = render("base"), render("gpu")
QUEUE, RAY = load(FOLDER / "hpa-queue.yaml"), load(FOLDER / "rayservice.yaml")


def named(kind: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    [one] = [d for d in found if d["kind"] == kind]
    return one


@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_follow_the_schemas(version: str) -> None:
    kinds = [d["kind"] for d in GPU]
    assert sorted(kinds) == ["Deployment", "NetworkPolicy", "Service"]
    for document in [*BASE, *GPU, *QUEUE, named("NetworkPolicy", RAY)]:
        kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize(("overlay", "found"), [("base", BASE), ("gpu", GPU)])
def test_kubectl_renders_the_same(kubectl: str, overlay: str, found: list[dict[str, Any]]) -> None:
    command = [kubectl, "kustomize", str(FOLDER / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    made = list(yaml.safe_load_all(done.stdout))
    assert all(document in found for document in made)
    assert len(made) == len(found)


def test_the_schema_check_finds_a_fault() -> None:
    wrong = copy.deepcopy(named("Deployment", BASE))
    wrong["spec"]["template"]["spec"]["containers"][0]["livenessprobe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="livenessprobe"):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("found", [BASE, GPU], ids=["base", "gpu"])
def test_deployments(found: list[dict[str, Any]]) -> None:
    spec = named("Deployment", found)["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() <= labels.items()
    assert named("Service", found)["spec"]["selector"].items() <= labels.items()
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
        named("Deployment", found)["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"]
        for found in (BASE, GPU)
    ]
    assert components == ["cpu", "gpu"]
    assert named("Service", BASE) == named("Service", GPU)
    assert named("Deployment", GPU)["metadata"]["name"] == "stoicnet-gpu"
    gpu = named("Deployment", GPU)["spec"]["template"]["spec"]
    assert gpu["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert gpu["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1


def test_both_scalers_scale_the_deployment_by_something_there_is() -> None:
    deployment = named("Deployment", BASE)["metadata"]["name"]
    by_cpu, [by_queue] = named("HorizontalPodAutoscaler", BASE), QUEUE
    for scaler in (by_cpu, by_queue):
        assert scaler["spec"]["scaleTargetRef"]["name"] == deployment
    waiting = by_queue["spec"]["metrics"][0]["pods"]["metric"]["name"]
    assert waiting in (ROOT / "app" / "main.py").read_text()


def ray_service() -> dict[str, Any]:
    return dict(named("RayService", RAY)["spec"])


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
        chosen = named("NetworkPolicy", RAY)["spec"]["podSelector"]["matchLabels"].items()
        assert chosen <= group["template"]["metadata"]["labels"].items()


def test_what_ray_serve_is_told() -> None:
    from ray.serve import Application, schema

    from app.ray import server as ray_server

    spec = ray_service()
    told = yaml.safe_load(spec["serveConfigV2"])
    config = schema.ServeDeploySchema.model_validate(told)
    [application] = config.applications
    module, _, name = application.import_path.partition(":")
    assert module == ray_server.__name__
    assert isinstance(getattr(ray_server, name)(dict(application.args)), Application)
    replicas = ray_server.Replicas.model_validate(application.args)
    assert replicas.most > replicas.least
    # All replicas find a place on the workers there may be.
    [group] = spec["rayClusterConfig"]["workerGroupSpecs"]
    cores = int(group["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"])
    assert group["maxReplicas"] * cores >= replicas.most * replicas.cpus
    with pytest.raises(ValueError, match="applications"):
        schema.ServeDeploySchema.model_validate({"applications": [{"import_path": 1}]})
