"""The service on Ray Serve: the same FastAPI application, in replicas across a cluster.

`stoicnet serve --engine ray` runs it; a RayService on Kubernetes names
`app.ray.server:application`.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.service import Service
from app.closing import longest_answer
from app.extra import load_extra
from app.inference.registry import checked_bytes, listed_files
from app.main import create_app
from app.observability.logs import configure_logging
from app.ray.cluster import RayError, cause, connect, patiently, place
from app.ray.drain import drain
from app.settings import Settings
from app.stopping import Stop, Stopped, stopping

_log = logging.getLogger(__name__)
NAME = "stoicnet"
DEPLOYMENT = "Service"
_SPARE = 16  # requests beyond its own limit that reach a replica, to be answered 429 by it
_LOOK_S = 0.2  # how often a replica that is to end looks whether it is idle
_STARTS = 2  # a model that cannot be loaded will not load the twentieth time either


class Replicas(BaseModel, frozen=True, extra="forbid"):
    """How many processes serve, and what each gets; also the `args` of a Serve config file."""

    least: int = Field(default=1, ge=1, description="Replicas without load.")
    most: int = Field(default=1, ge=1, description="Replicas under load.")
    cpus: float = Field(default=1.0, gt=0, description="Cores that Ray counts for one.")
    gpus: float = Field(default=0.0, ge=0, description="GPUs of one; 0.25 puts four on a GPU.")


class OneRequestId:
    """Leaves the answer's X-Request-ID to Serve's proxy, which sends the same one."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an ASGI application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""

        async def send_without(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [pair for pair in message["headers"] if pair[0] != b"x-request-id"]
                message = {**message, "headers": kept}
            await send(message)

        await self.app(scope, receive, send_without)


class Replica:
    """What Serve keeps alive; `app`, the FastAPI application, comes from Serve's wrapper."""

    app: FastAPI

    def check_health(self) -> None:
        """Called by Serve now and then; a replica that raises is replaced.

        Raises:
            RuntimeError: the last runs of a model all failed.
        """
        service = getattr(self.app.state, "service", None)
        if isinstance(service, Service) and (dead := service.dead_models()):
            raise RuntimeError(f"The last runs of the model {', '.join(dead)} all failed.")


def application(args: dict[str, Any]) -> Any:
    """The Serve application with the settings of the environment, for Serve config files.

    Args:
        args: those of `Replicas`.

    Raises:
        ValueError: not such arguments.
    """
    return bind(Settings(), Replicas.model_validate(args))


def deployment_options(settings: Settings, replicas: Replicas) -> dict[str, Any]:
    """What Serve is told about a deployment whose replicas have these settings."""
    scaling: dict[str, Any] = {"num_replicas": replicas.least}
    if replicas.most > replicas.least:
        scaling = {
            "autoscaling_config": {
                "min_replicas": replicas.least,
                "max_replicas": replicas.most,
                # As many as it works on: when more wait, another replica is worth its start.
                "target_ongoing_requests": settings.workers,
            }
        }
    return scaling | {
        "name": DEPLOYMENT,
        "max_ongoing_requests": settings.workers + settings.queue_size + _SPARE,
        "max_constructor_retry_count": _STARTS,
        "graceful_shutdown_timeout_s": longest_answer(settings),
        "graceful_shutdown_wait_loop_s": _LOOK_S,
        "ray_actor_options": {"num_cpus": replicas.cpus, "num_gpus": replicas.gpus},
        "logging_config": {"enable_access_log": False},  # ours has a line a request
    }


def bind(settings: Settings, replicas: Replicas) -> Any:
    """The Serve application.

    Raises:
        MissingExtraError: Ray Serve is not installed.
        RayError: CUDA is demanded and no GPU asked for.
    """
    serve = load_extra("ray.serve", "The engine ray")
    threads = settings.intra_op_threads or max(1, int(replicas.cpus))
    each = place(settings.model_copy(update={"intra_op_threads": threads}), replicas.gpus)
    deployment = serve.deployment(**deployment_options(each, replicas))
    return deployment(serve.ingress(_builder(each))(Replica)).bind()


def _builder(settings: Settings) -> Callable[[], FastAPI]:
    """What a replica calls in its own process."""

    def build() -> FastAPI:
        configure_logging(settings)
        app = create_app(settings)
        app.add_middleware(OneRequestId)
        return app

    return build


def serve_on_ray(
    settings: Settings, replicas: Replicas, host: str, port: int, address: str | None
) -> None:
    """Serve until SIGINT or SIGTERM comes; what was accepted by then is answered.

    Args:
        settings: of the service, for every replica.
        replicas: how many, and how large.
        host, port: where Serve's proxy listens.
        address: of the Ray cluster; None starts one on this machine.

    Raises:
        StartupError: Ray is not installed or does not come up, a model file is not what it should
            be, or the replicas do not start.
    """
    for path, entry in listed_files(settings.models_dir).items():
        checked_bytes(
            path, entry.sha256
        )  # here its error is plain; from a replica it would be buried
    app = bind(settings, replicas)
    cores = math.ceil(replicas.most * replicas.cpus) + 1  # and one for Serve's own processes
    with stopping() as stop, suppress(Stopped):
        with stop.interrupting():
            ray = connect(address, cpus=cores)
            stop.listen()  # Ray takes SIGTERM for itself
        try:
            serve = load_extra("ray.serve", "The engine ray")
            with stop.interrupting():
                try:
                    patiently(lambda: serve.start(http_options={"host": host, "port": port}))
                    patiently(lambda: serve.run(app, name=NAME, route_prefix="/"))
                except RuntimeError as error:
                    raise RayError(f"The service did not start: {cause(error)}") from error
            stop.asked.wait()
        finally:
            _end(ray, settings, stop)


def _end(ray: Any, settings: Settings, stop: Stop) -> None:
    """Finish what was accepted, then end Serve, and Ray where it was started here."""
    serve = load_extra("ray.serve", "The engine ray")
    try:
        drain(ray, settings, stop)
        # The replicas end in order: `serve.shutdown` kills the controller that sees to that.
        serve.delete(NAME)
    # Ray raises unrelated types when the cluster went away, or Serve never came up.
    except Exception as error:
        _log.error("the service on Ray did not end in order: %s", error)
    finally:
        serve.shutdown()
        ray.shutdown()
