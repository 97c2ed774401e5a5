"""Starting Ray on this machine, or finding a cluster."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from app.errors import StartupError
from app.extra import load_extra
from app.settings import Settings

T = TypeVar("T")

_START_S = 300
"""Seconds that any part of Ray gets to start: its own limits are missed when the cores are busy."""

_TOLD_BY_ENVIRONMENT = {
    # Ray would run its workers, which are our replicas and proxies, behind everything else.
    "RAY_worker_niceness": 0,
    "RAY_worker_register_timeout_seconds": _START_S,
    "RAY_agent_register_timeout_ms": _START_S * 1000,
    "RAY_DASHBOARD_STARTUP_TIMEOUT_S": _START_S,
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": _START_S,
    # How long one question for a node waits for it: we ask again, and look between if it has ended.
    "RAY_raylet_start_wait_time_s": 1,
}
_LISTEN_PORT = "dashboard_agent_listen_port"
_AGENT_PORTS = (
    _LISTEN_PORT,
    "metrics_agent_port",
    "metrics_export_port",
    "runtime_env_agent_port",
)
_STORE_BYTES = 128 * 1024 * 1024  # photographs do not travel through Ray's object store


class RayError(StartupError):
    code = "ray_failed"
    title = "Ray did not come up"


def place(settings: Settings, gpus: float) -> Settings:
    """The settings for a worker that gets this part of a GPU: what Ray counts is what is used.

    Raises:
        RayError: CUDA is demanded and no GPU asked for.
    """
    if settings.device == "cuda" and gpus <= 0:
        raise RayError("The device is cuda, but the workers ask Ray for no GPU: see --gpus.")
    return settings.model_copy(
        update={
            "device": "cuda" if gpus > 0 else "cpu",
            "intra_op_threads": settings.intra_op_threads or 1,
        }
    )


def connect(address: str | None, cpus: int) -> Any:
    """Start Ray in this process, or connect it to a cluster; returns the module `ray`.

    Nothing is reported to Ray's makers, and no dashboard is started.

    Args:
        address: of a cluster, as Ray takes it; None starts one of this machine's that ends with
            this process.
        cpus: for a cluster that is started here: how many it has to give.

    Raises:
        MissingExtraError: Ray is not installed.
        RayError: it did not start, or the cluster does not answer.
    """
    # Read when Ray is imported, and by the processes it starts.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    options: dict[str, Any] = {"logging_level": "error", "log_to_driver": False}
    if address is None:
        # Ray protects a cluster of its own with a token; this one is of this run, instead of a file
        # in the home folder.
        if "RAY_AUTH_TOKEN_PATH" not in os.environ:
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        for name, value in _TOLD_BY_ENVIRONMENT.items():
            os.environ.setdefault(name, str(value))
        options |= {
            "address": "local",
            "num_cpus": cpus,
            "include_dashboard": False,
            "object_store_memory": _STORE_BYTES,
        }
    else:
        if "RAY_AUTH_TOKEN" in os.environ:  # Ray itself sends it to a cluster that it found alone
            os.environ.setdefault("RAY_AUTH_MODE", "token")
        options |= {"address": address}
    ray = load_extra("ray", "The engine ray")
    try:
        with _patient_start():
            ray.init(**options)
    except RayError:
        raise
    # Ray raises a dozen unrelated types here.
    except Exception as error:
        raise RayError(f"{type(error).__name__}: {error}") from error
    return ray


def cause(error: BaseException) -> str:
    """The last line of a message of Ray's, which names what went wrong in the other process."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def patiently(start: Callable[[], T]) -> T:
    """Call what starts a part of Serve until Ray's fixed limit of a minute is met.

    Raises:
        RayError: it did not start in several of them.
    """
    ray = load_extra("ray", "The engine ray")
    deadline = time.monotonic() + _START_S
    while True:
        try:
            return start()
        except (TimeoutError, ray.exceptions.RayActorError) as error:
            if time.monotonic() > deadline:
                raise RayError(f"{type(error).__name__}: {error}") from error
            time.sleep(1)


@contextmanager
def _patient_start() -> Iterator[None]:
    """Lets a node of this machine take its time, for which Ray has no option.

    Ray gives a node 30 s, and ends it when its agents have not named their ports after 15
    (https://github.com/ray-project/ray/issues/65983); it does not wait for ports that are given.
    """
    services = load_extra("ray._private.services", "The engine ray")
    names = ("get_node", "start_raylet", "start_ray_process")
    get_once, start, start_process = before = [getattr(services, name) for name in names]
    ports = _free_ports()
    raylets: list[subprocess.Popen[bytes]] = []

    def get_node(*arguments: Any) -> Any:
        deadline = time.monotonic() + _START_S
        while True:
            try:
                return get_once(*arguments)
            except RuntimeError as error:  # not registered yet
                ended = [code for each in raylets if (code := each.poll()) is not None]
                if ended:
                    # No RuntimeError: those Ray takes for "not yet".
                    raise RayError(f"Ray's node ended with code {ended[0]}.") from error
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def start_raylet(*arguments: Any, **named: Any) -> Any:
        return start(*arguments, **(named | ports))

    def start_ray_process(command: list[str], kind: str, *arguments: Any, **named: Any) -> Any:
        if kind != "raylet":
            return start_process(command, kind, *arguments, **named)
        # Ray gives this one to the agent alone; a raylet that does not know it, ignores it.
        told = [f"--{_LISTEN_PORT}={ports[_LISTEN_PORT]}", f"--undefok={_LISTEN_PORT}"]
        info = start_process([*command, *told], kind, *arguments, **named)
        raylets.append(info.process)
        return info

    for name, ours in zip(names, (get_node, start_raylet, start_ray_process), strict=True):
        setattr(services, name, ours)
    try:
        yield
    finally:
        for name, theirs in zip(names, before, strict=True):
            setattr(services, name, theirs)


def _free_ports() -> dict[str, int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in _AGENT_PORTS]
        for probe in probes:
            probe.bind(("", 0))
        return {
            name: probe.getsockname()[1] for name, probe in zip(_AGENT_PORTS, probes, strict=True)
        }
