"""The page's tools, on every screen: holding, panning, several files, other formats, axe."""

from __future__ import annotations

import io
import shlex
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver import ActionChains

from tests.web.browser import Page


def test_holding_shows_what_was_before(page: Page, photographs: Path) -> None:
    page.choose(photographs / "smile.png")
    page.wait_for_result()

    def visible() -> bool:
        return bool(
            page.script(
                "return getComputedStyle(document.getElementById('after')).visibility == 'visible'"
            )
        )

    hold = page.find("#hold")
    page.script("arguments[0].focus()", hold)
    keys = ActionChains(page.driver)
    keys.key_down(" ").perform()
    assert not visible()
    keys.key_up(" ").perform()
    assert visible()
    page.script("document.getElementById('compare').scrollIntoView({block: 'center'})")
    ActionChains(page.driver).move_to_element(page.find("#scroller")).move_by_offset(
        60, 30
    ).click_and_hold().perform()
    page.wait(lambda: not visible())
    ActionChains(page.driver).release().perform()
    assert visible()


def test_a_finger_pans_the_zoomed_picture_and_leaves_the_line(
    page: Page, photographs: Path
) -> None:
    page.choose(photographs / "smile.png")
    page.wait_for_result()
    action = "return getComputedStyle(document.getElementById('compare')).touchAction"
    assert page.script(action) == "manipulation", "pans and pinches"
    page.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    try:
        before = page.script("return document.getElementById('split').value")
        place = page.script(
            """const s = document.getElementById('scroller'); s.scrollIntoView({block: 'center'});
            const r = s.getBoundingClientRect();
            return [r.left + r.width * 0.8, r.top + r.height / 2, s.scrollLeft]"""
        )
        page.swipe(place[0], place[1], -140)
        page.wait(
            lambda: (
                page.script("return document.getElementById('scroller').scrollLeft") > place[2] + 30
            )
        )
        assert page.script("return document.getElementById('split').value") == before
    finally:
        page.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


def test_the_face_stays_in_the_middle_when_the_window_gets_narrow(
    page: Page, photographs: Path
) -> None:
    page.choose(photographs / "smile.png")
    page.wait_for_result()

    def off_the_middle() -> float:
        """Of the face, in widths of what is seen."""
        return float(
            page.script(
                """const s = document.getElementById('scroller').getBoundingClientRect();
                const f = document.querySelector('#compare rect').getBoundingClientRect();
                return Math.abs(f.left + f.width / 2 - s.left - s.width / 2) / s.width"""
            )
        )

    page.wait(lambda: off_the_middle() < 0.1)
    metrics = {"width": 420, "height": 1100, "deviceScaleFactor": 1, "mobile": False}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        page.wait(lambda: page.script("return window.innerWidth") == 420)
        page.wait(lambda: off_the_middle() < 0.1)
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_several_files_are_a_strip_and_a_zip(page: Page, photographs: Path, tmp_path: Path) -> None:
    again = tmp_path / "smile.png"
    again.write_bytes((photographs / "smile.png").read_bytes())
    names = [photographs / "smile.png", photographs / "letter.jpg", photographs / "two.png", again]
    page.find("#file").send_keys("\n".join(map(str, names)))
    page.wait(lambda: page.find("#zip").is_displayed())
    states = [row.text.splitlines()[-1] for row in page.all("#strip li")]
    assert states == ["done", "This file is not a photograph", "done", "done"]
    page.find("#zip").click()
    saved = page.downloads / "neutral.zip"
    page.wait(saved.exists)
    with zipfile.ZipFile(saved) as archive:
        assert archive.testzip() is None
        inside = {name: archive.read(name) for name in archive.namelist()}
    assert list(inside) == ["smile-neutral.png", "two-neutral.png", "smile-neutral (2).png"]
    assert inside["smile-neutral.png"] == inside["smile-neutral (2).png"]
    with Image.open(io.BytesIO(inside["two-neutral.png"])) as picture:
        assert picture.size == (1024, 512)
        assert "compositeWithTrained" in picture.text["XML:com.adobe.xmp"]  # type: ignore[attr-defined]
    page.all("#strip button")[2].click()
    assert "There is more than one face" in page.wait_for_problem()
    assert page.all("#strip button")[2].get_attribute("aria-current") == "true"


def test_the_same_as_a_command(page: Page, photographs: Path) -> None:
    page.choose(photographs / "smile.png")
    page.wait_for_result()
    page.driver.execute_cdp_cmd(
        "Browser.setPermission",
        {"permission": {"name": "clipboard-write"}, "setting": "denied"},
    )
    page.find("#curl").click()
    page.wait(lambda: page.text("status").startswith("curl"))
    program, *words = shlex.split(page.text("status"))
    assert program == "curl"
    done = subprocess.run(
        [program, "-s", *words], cwd=page.downloads.parent, capture_output=True, check=False
    )
    assert done.returncode == 26, "the file is not in that folder"
    shutil.copy(photographs / "smile.png", page.downloads.parent)
    subprocess.run([program, "-s", *words], cwd=page.downloads.parent, check=True)
    answer = (page.downloads.parent / "neutral.png").read_bytes()
    assert answer == page.download().read_bytes()


def test_the_result_as_a_jpeg(page: Page, photographs: Path) -> None:
    page.choose(photographs / "smile.png")
    page.wait_for_result()
    with Image.open(page.download()) as picture:
        exact = np.asarray(picture, np.int16)
    page.find("#download-jpeg").click()
    saved = page.downloads / "smile-neutral.jpg"
    page.wait(saved.exists)
    with Image.open(saved) as picture:
        assert picture.format == "JPEG"
        assert b"compositeWithTrained" in picture.info["xmp"]
        assert np.abs(np.asarray(picture, np.int16) - exact).mean() < 3


@pytest.mark.parametrize("width", [360, 768, 1600])
def test_nothing_sticks_out(page: Page, photographs: Path, width: int) -> None:
    page.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    try:
        page.choose(photographs / "smile.png")
        page.wait_for_result()
        page.unfold()
        assert page.script("return document.documentElement.scrollWidth") <= width
        [face] = page.all("#overlay rect")
        seen = page.find("#scroller").rect
        assert face.rect["width"] > 0.4 * min(seen["width"], seen["height"])
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility_by_axe(page: Page, scheme: str, axe: str) -> None:
    page.driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    page.script(axe)
    run = "axe.run(document, {resultTypes: ['violations']}).then(arguments[0])"
    faults = page.driver.execute_async_script(run)["violations"]
    page.find("#sample").click()
    page.wait_for_result()
    page.unfold()
    faults += page.driver.execute_async_script(run)["violations"]
    assert [(f["id"], [n["html"] for n in f["nodes"]]) for f in faults] == []
    page.script("document.body.append(document.createElement('img'))")
    found = page.driver.execute_async_script(run)["violations"]
    assert "image-alt" in {fault["id"] for fault in found}, "the checker sees a fault"
