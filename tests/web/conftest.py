"""A really started service and a really started Chromium.

Where Chromium or its driver is missing these tests are not collected, and the summary says so;
`make test-browser` installs both.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import httpx
import numpy as np
import pytest
from skimage import data

from tests.app.files import encode
from tests.conftest import left_out
from tests.web.browser import Page, chromium_missing, start_chromium
from tests.web.service import running_service

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    mine = [item for item in items if item.path.is_relative_to(HERE)]
    for item in mine:
        item.add_marker(pytest.mark.slow)  # a browser takes seconds to start
    why = chromium_missing()
    if not why or not mine:
        return
    items[:] = [item for item in items if item not in mine]
    config.hook.pytest_deselected(items=mine)
    left_out(config, f"{len(mine)} browser tests were left out: {why}; make test-browser")


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """`stoicnet serve` with the models of this repository."""
    with running_service(tmp_path_factory.mktemp("service")) as client:
        yield client


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with smile.png, two.png, coffee.jpg, letter.jpg, smile.tiff and camera.mjpeg."""
    folder = tmp_path_factory.mktemp("photographs")
    astronaut = np.asarray(data.astronaut(), np.uint8)
    (folder / "smile.png").write_bytes(encode(astronaut))
    (folder / "smile.tiff").write_bytes(encode(astronaut, "TIFF"))
    (folder / "two.png").write_bytes(encode(np.hstack([astronaut, astronaut])))
    (folder / "coffee.jpg").write_bytes(encode(np.asarray(data.coffee(), np.uint8), "JPEG"))
    (folder / "letter.jpg").write_text("Dear sir, this is no photograph.")
    # Chromium's pretended camera plays a file of JPEG frames.
    (folder / "camera.mjpeg").write_bytes(encode(astronaut, "JPEG", quality=92) * 3)
    return folder


@pytest.fixture(scope="session")
def chromium(
    tmp_path_factory: pytest.TempPathFactory, photographs: Path, service: httpx.Client
) -> Iterator[Page]:
    profile = tmp_path_factory.mktemp("profile")
    page = start_chromium(profile, str(service.base_url), photographs / "camera.mjpeg")
    yield page
    page.driver.quit()
    shutil.rmtree(profile, ignore_errors=True)


@pytest.fixture
def page(chromium: Page) -> Iterator[Page]:
    """The page, freshly loaded; afterwards nothing may stand in the browser's console."""
    chromium.open()
    yield chromium
    faults = [entry["message"] for entry in chromium.console() if entry["level"] == "SEVERE"]
    # The browser itself notes every answer of 400 and up; the page shows those to the user.
    assert [fault for fault in faults if "Failed to load resource" not in fault] == []


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core, the accessibility checker, as the package axe-core-python carries it."""
    return (files("axe_core_python") / "axe.min.js").read_text("utf-8")
