"""A running service for the commands of the documentation."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.web.service import running_service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """`stoicnet serve` with the models of this repository."""
    with running_service(tmp_path_factory.mktemp("service")) as client:
        yield client
