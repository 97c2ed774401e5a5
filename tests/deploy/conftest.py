"""Tests that ask a program which not everybody has."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import left_out

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without kubectl its tests are not collected, and the summary says so."""
    mine = [
        item
        for item in items
        if item.path.is_relative_to(HERE) and "kubectl" in getattr(item, "fixturenames", ())
    ]
    if not mine or shutil.which("kubectl"):
        return
    items[:] = [item for item in items if item not in mine]
    config.hook.pytest_deselected(items=mine)
    left_out(config, f"{len(mine)} tests of rendered manifests were left out: no kubectl here")


@pytest.fixture(scope="session")
def kubectl() -> str:
    """The program's path."""
    path = shutil.which("kubectl")
    assert path is not None
    return path
