"""Pictures of the page for the documentation: `make screenshots`.

Starts the service with the models of this repository, and Chromium; writes docs/images/page-*.jpg.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from tests.web.browser import Page, start_chromium
from tests.web.service import running_service

OUT = Path(__file__).resolve().parents[2] / "docs" / "images"


def main() -> None:
    """Write every picture."""
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        astronaut = np.asarray(data.astronaut(), np.uint8)
        Image.fromarray(np.hstack([astronaut, astronaut])).save(folder / "two.png")
        with running_service(folder) as client:
            page = start_chromium(folder, str(client.base_url))
            try:
                _pictures(page, folder)
            finally:
                page.driver.quit()


def _pictures(page: Page, folder: Path) -> None:
    _look(page, "light", 1280, 980)
    page.open()
    page.find("#sample").click()
    page.wait_for_result()
    page.find("#boxes").click()
    _save(page, "page-face")
    page.find("#boxes").click()
    _look(page, "dark", 1280, 980)
    _save(page, "page-dark")
    _look(page, "light", 420, 1100)
    _save(page, "page-narrow")
    _look(page, "light", 1280, 980)
    page.open()
    page.choose(folder / "two.png")
    page.wait_for_problem()
    _save(page, "page-several-faces")


def _look(page: Page, scheme: str, width: int, height: int) -> None:
    command = page.driver.execute_cdp_cmd
    feature = {"name": "prefers-color-scheme", "value": scheme}
    command("Emulation.setEmulatedMedia", {"features": [feature]})
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    command("Emulation.setDeviceMetricsOverride", metrics)


def _save(page: Page, name: str) -> None:
    picture = Image.open(io.BytesIO(page.driver.get_screenshot_as_png())).convert("RGB")
    picture.save(OUT / f"{name}.jpg", quality=88, optimize=True)
    sys.stdout.write(f"docs/images/{name}.jpg\n")


if __name__ == "__main__":
    main()
