"""Inputs for batch runs, and what a single `Neutralizer` makes of them."""

from __future__ import annotations

import io
import os
import re
import secrets
import signal
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from app.pipeline import Neutralizer
from app.settings import Settings
from tests.app.conftest import running
from tests.app.files import encode
from tests.app.scale.processes import descendants


@pytest.fixture(scope="session")
def settings(toy_models: Path) -> Settings:
    """Of the pipeline around the toy graph."""
    return Settings(models_dir=toy_models, device="cpu", warm_up=False)


@dataclass(frozen=True)
class RayService:
    """`stoicnet serve --engine ray`, and with it a cluster that other runs may use.

    Attributes:
        client: of the service.
        process: the command.
        log: its output.
        address: of the cluster, for processes with this one's environment.
    """

    client: httpx.Client
    process: subprocess.Popen[bytes]
    log: Path
    address: str


_SLOW_AGENTS = """
import sys
import time

if any(each.endswith("dashboard/agent.py") for each in sys.orig_argv):
    time.sleep(20)
"""


@pytest.fixture(scope="session")
def ray_service(toy_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayService]:
    """One worker, two requests waiting, a second a photograph whatever the machine.

    A stop gives balancers a minute, which a second signal ends.

    The one cluster of all tests that need a running one: Ray takes longer to start than any of
    them to run. Beside the replica there is room for two workers of batch runs.

    Its agents, which no request needs, are as late as they are on a busy machine: later than Ray
    itself waits for them.
    """
    settings = {"models_dir": str(toy_models), "workers": "1", "queue_size": "2"}
    settings |= {"batch_delay_ms": "1000", "warm_up": "false", "drain_seconds": "60"}
    log = tmp_path_factory.mktemp("ray") / "log.txt"
    with (
        # Not pytest's folder: the paths of Ray's sockets may not be longer than 107 characters.
        tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("RAY_TMPDIR", folder)
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        late = tmp_path_factory.mktemp("late")
        (late / "sitecustomize.py").write_text(_SLOW_AGENTS)
        patch.setenv("PYTHONPATH", str(late), prepend=os.pathsep)
        options = ("--engine", "ray", "--max-replicas", "3")
        with running(log, *options, patience=300, **settings) as (client, process):
            # Not "auto", which takes whichever cluster of this machine it finds.
            told = " ".join(descendants(process.pid).values())
            address = re.search(r"--gcs-address=(\S+)", told)
            assert address, told
            yield RayService(client, process, log, address[1])
            process.send_signal(signal.SIGINT)  # for which nobody is given a minute
            # Alone: of two signals at once either may be seen first, and a Ctrl-C that is seen
            # second ends the service at once.
            process.wait(300)


def portraits(astronaut: NDArray[np.uint8], count: int) -> list[bytes]:
    """Different files that all show the same face."""
    face = astronaut[:256, 96:352]
    return [
        encode(np.roll(face, (index % 5, index // 5), (0, 1)), "JPEG") for index in range(count)
    ]


def fill(folder: Path, files: dict[str, bytes]) -> None:
    """Write files, with their folders."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def tar_of(members: list[tuple[str, bytes]]) -> bytes:
    """A tar file; names may repeat and lead anywhere."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def results(folder: Path) -> dict[str, bytes]:
    """Every result by its name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*.png"))
        if ".stoicnet" not in path.parts
    }


def expected(neutralizer: Neutralizer, files: dict[str, bytes]) -> dict[str, bytes]:
    """What the pipeline makes of them one by one, by the names of results."""
    return {f"{name}.png": neutralizer.neutralize(data).file for name, data in files.items()}
