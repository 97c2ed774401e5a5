"""The service on Ray Serve."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from app.pipeline import Neutralizer
from app.ray.cluster import RayError
from app.ray.server import Replicas, bind, deployment_options
from app.settings import Settings
from tests.app.files import encode
from tests.app.scale.conftest import RayService
from tests.app.scale.processes import descendants

pytestmark = pytest.mark.slow


def test_the_same_service(
    ray_service: RayService,
    neutralizer: Neutralizer,
    astronaut: NDArray[np.uint8],
) -> None:
    client = ray_service.client
    data = encode(astronaut, "JPEG")
    answer = client.post("/neutralize", files={"file": data}, headers={"X-Request-ID": "mine"})
    assert answer.status_code == 200, answer.text
    assert answer.content == neutralizer.neutralize(data).file
    assert answer.headers["x-stoicnet-altered"] == "true"
    assert answer.headers.get_list("x-request-id") == ["mine"]
    refused = client.post("/neutralize", files={"file": b"no photograph"})
    assert refused.status_code == 400
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "not_an_image"
    assert client.get("/info").json()["models"]["photo"]["version"] == "0.0.1"
    assert "StoicNet" in client.get("/").text


def test_no_part_of_ray_is_waited_for_by_its_port(ray_service: RayService) -> None:
    """Ray ends a node whose agents name a port late; two clusters may not share one either."""
    lines = descendants(ray_service.process.pid).values()
    raylet = next(line for line in lines if "--raylet_socket_name" in line)
    ports = re.findall(r" --([a-z_-]+[_-](?:agent|export|listen)[_-]port)=(\d+)", raylet)
    named = {name.replace("-", "_"): int(port) for name, port in ports}
    assert named.keys() >= {
        "dashboard_agent_listen_port",
        "metrics_agent_port",
        "metrics_export_port",
        "runtime_env_agent_port",
    }
    assert min(named.values()) > 1
    assert named["dashboard_agent_listen_port"] != 52365  # Ray's own, the same for every cluster


def test_a_full_queue(ray_service: RayService, astronaut: NDArray[np.uint8]) -> None:
    data = encode(astronaut, "JPEG")

    def post(_: int) -> httpx.Response:
        return ray_service.client.post("/neutralize", files={"file": data})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(8)))
    codes = [answer.status_code for answer in answers]
    assert set(codes) == {200, 429}
    assert codes.count(200) >= 3
    refused = answers[codes.index(429)]
    assert refused.json()["code"] == "queue_full"
    assert int(refused.headers["retry-after"]) >= 1


def test_what_is_asked_of_ray(settings: Settings) -> None:
    from ray.serve import Application  # Ray reads its environment when it is imported

    replicas = Replicas(least=2, most=6, cpus=2, gpus=0.25)
    asked = deployment_options(settings, replicas)
    assert asked["ray_actor_options"] == {"num_cpus": 2, "num_gpus": 0.25}
    scaling = asked["autoscaling_config"]
    assert (scaling["min_replicas"], scaling["max_replicas"]) == (2, 6)
    assert scaling["target_ongoing_requests"] == settings.workers
    assert deployment_options(settings, Replicas(least=3, most=3))["num_replicas"] == 3
    assert isinstance(bind(settings, replicas), Application)
    with pytest.raises(RayError, match="ask Ray for no GPU"):
        bind(settings.model_copy(update={"device": "cuda"}), Replicas())
