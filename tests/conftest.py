"""Threads of PyTorch and BLAS, and what the summary says about tests that were left out.

One thread, here and in every process that a test starts. Networks of a few channels gain nothing
from a second one, and where threads outnumber free cores they wait for each other: a test then
takes twenty times as long. What a test itself says about threads still holds.
"""

from __future__ import annotations

import os

import pytest

# Read when the libraries are loaded: before any test module is imported.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

LEFT_OUT = pytest.StashKey[str]()


def left_out(config: pytest.Config, message: str) -> None:
    """Have the summary say `message`, also when pytest-xdist runs the tests elsewhere."""
    if hasattr(config, "workeroutput"):
        before = config.workeroutput.get("left_out")
        config.workeroutput["left_out"] = f"{before}\n{message}" if before else message
    else:
        before = config.stash.get(LEFT_OUT, None)
        config.stash[LEFT_OUT] = f"{before}\n{message}" if before else message


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of one file stay in one process, and those of one Ray cluster, whatever their file."""
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            on_ray = "ray_service" in getattr(item, "fixturenames", ())
            item.add_marker(pytest.mark.xdist_group("ray" if on_ray else str(item.path)))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Say it when pytest-xdist does not know the groups: nothing fails then, but all is slower."""
    grouped = session.config.getoption("loadgroup", default=False)
    if grouped and not all("@" in item.nodeid for item in session.items):
        raise pytest.UsageError("pytest-xdist does not keep the tests of a file together")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """A process of pytest-xdist has ended; all of them collect, and say, the same."""
    message = getattr(node, "workeroutput", {}).get("left_out")
    if message:
        node.config.stash[LEFT_OUT] = message  # type: ignore[attr-defined]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if LEFT_OUT in config.stash:
        terminalreporter.write_line(config.stash[LEFT_OUT], yellow=True)
