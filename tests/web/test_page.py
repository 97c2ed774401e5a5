"""What a visitor does with the page, in a real browser against a real service."""

from __future__ import annotations

import io
import shlex
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from selenium.webdriver import ActionChains

from tests.app.toy_graph import write_models
from tests.web.browser import Page
from tests.web.service import running_service


def folded(page: Page) -> bool:
    """Is nothing of the report open but its verdict and the advice, which comes a moment later?"""
    parts = page.all("#report details")
    return len(parts) > 1 and not any(part.get_attribute("open") for part in parts)


def test_drop_a_photograph_and_download_the_result(
    page: Page, photographs: Path, service: httpx.Client
) -> None:
    page.drop(photographs / "smile.png")
    page.wait_for_result()
    assert page.size_of("before") == page.size_of("after") == (512, 512)
    assert folded(page), "one verdict, the rest folded"
    assert page.find("#zoom-face").get_attribute("aria-pressed") == "true", (
        "the face is shown large"
    )
    page.unfold()
    report = page.text("report")
    assert "photo" in report
    assert "CPU" in report
    assert "Time on the server" in report
    assert "faces at rest read about 2" in report
    assert page.text("status").startswith("Expression ")
    assert "mouth closed" in page.text("report")
    assert all(bar.rect["width"] > 30 for bar in page.all("#report .track")), "bars can be seen"
    saved = page.download()
    assert saved.name in ("smile-neutral.png", "smile-unaltered.png")
    altered = saved.name == "smile-neutral.png"
    assert ("Altered\nyes" in report) == altered
    with Image.open(saved) as picture, Image.open(photographs / "smile.png") as photo:
        assert picture.text["Software"].startswith("StoicNet")  # type: ignore[attr-defined]
        xmp = picture.text["XML:com.adobe.xmp"]  # type: ignore[attr-defined]
        assert ("compositeWithTrainedAlgorithmicMedia" in xmp) == altered
        answer, given = np.asarray(picture), np.asarray(photo)
    assert answer.shape == given.shape
    assert np.array_equal(answer[400:], given[400:])
    direct = service.post("/neutralize", files={"file": (photographs / "smile.png").read_bytes()})
    assert saved.read_bytes() == direct.content


def test_the_slider_between_before_and_after_follows_keys_and_pointer(
    page: Page, photographs: Path
) -> None:
    page.choose(photographs / "smile.png")
    page.wait_for_result()

    def split() -> float:
        return float(page.script("return document.getElementById('split').value"))

    def line() -> float:
        """Where the line is, in % of what is seen of the picture."""
        return float(
            page.script(
                """const box = document.getElementById('scroller');
                const s = box.getBoundingClientRect(),
                r = document.getElementById('compare').getBoundingClientRect(),
                d = document.getElementById('divider').getBoundingClientRect();
                const left = Math.max(s.left, r.left);
                const right = Math.min(s.left + box.clientWidth, r.right);
                return 100 * (d.left + d.width / 2 - left) / (right - left);"""
            )
        )

    middle_of_the_face = split()
    assert 40 < middle_of_the_face < 60, "the face is in the middle"
    assert line() == pytest.approx(split(), abs=0.7)
    page.find("#split").send_keys("\ue012" * 3)  # left arrow
    assert split() == middle_of_the_face - 3
    assert line() == pytest.approx(split(), abs=0.7)
    page.script("document.getElementById('scroller').scrollLeft += 40")
    page.wait(lambda: abs(line() - split()) < 0.7)
    page.find("#whole").click()
    assert line() == pytest.approx(split(), abs=0.7)
    width = page.find("#compare").rect["width"]
    page.drag("divider", round(width * 0.2))
    assert split() == pytest.approx(middle_of_the_face - 3 + 20, abs=2)
    assert line() == pytest.approx(split(), abs=0.7)
    page.find("#zoom").click()
    width = page.script("return document.getElementById('before').getBoundingClientRect().width")
    assert width * page.script("return devicePixelRatio") == pytest.approx(512, abs=1)
    page.find("#zoom-face").click()
    assert page.find("#zoom").get_attribute("aria-pressed") == "false"
    assert page.find("#before").rect == page.find("#after").rect, "one lies upon the other"
    [face] = page.all("#overlay rect")
    seen = page.find("#scroller").rect["height"]
    assert 0.4 < face.rect["height"] / seen < 0.9


def test_strength_answers_while_dragged_and_ends_at_the_last_wish(
    page: Page, photographs: Path
) -> None:
    page.choose(photographs / "smile.png")
    page.wait_for_result()
    for strength in (0.8, 0.6, 0.4, 0.2, 0):
        page.slide("strength", strength)
    assert page.text("strength-value") == "0 %"
    page.wait(lambda: page.text("status") == "At strength 0: Nothing was altered.")
    assert "At strength 0: Nothing was altered." in page.text("report")
    with (
        Image.open(page.download()) as picture,
        Image.open(photographs / "smile.png") as photo,
    ):
        assert np.array_equal(np.asarray(picture), np.asarray(photo))
    asked = (
        "return performance.getEntriesByType('resource').filter(e => e.name.includes('neutral'))"
    )
    strengths = [e["name"].split("strength=")[1].split("&")[0] for e in page.script(asked)]
    assert strengths[0] == "1"
    assert strengths[-1] == "0"
    page.slide("strength", 1)
    page.wait(lambda: page.text("status").endswith("Done."))
    assert len(page.script(asked)) == len(strengths), "full strength was known already"


def test_several_faces_are_marked_and_can_all_be_neutralized(page: Page, photographs: Path) -> None:
    page.choose(photographs / "two.png")
    text = page.wait_for_problem()
    assert "There is more than one face" in text
    assert "faces=" not in text, "the page's words, not the API's"
    assert len(page.all("#overlay rect")) == 2
    [button] = [b for b in page.all("#problem button") if b.text == "Neutralize all"]
    button.click()
    page.wait_for_result()
    assert not page.find("#problem").is_displayed()
    named = [t.text for t in page.all("#report-body > details > summary")]
    assert [text.split(":")[0] for text in named[:2]] == ["Face 1", "Face 2"]
    assert folded(page)
    page.unfold()
    assert [t.text for t in page.all("#report h3")].count("Expression") == 2
    assert len(page.all("#overlay rect")) == 2
    page.find("#boxes").click()
    assert page.all("#overlay rect") == []


def test_the_face_alone_beside_the_same_crop_of_the_photograph(
    page: Page, photographs: Path
) -> None:
    page.select("output", "face")
    page.paste(photographs / "smile.png")
    page.wait_for_result()
    assert page.size_of("after") == page.size_of("before") == (256, 256)
    # Crop contract: the same skin at the chin's side and the same hair in both.
    difference = page.script(
        """const draw = (id) => { const c = document.createElement('canvas');
          c.width = c.height = 256; const x = c.getContext('2d');
          x.drawImage(document.getElementById(id), 0, 0);
          return x.getImageData(0, 0, 256, 40).data };
        const a = draw('before'), b = draw('after');
        let sum = 0; for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
        return sum / a.length;"""
    )
    assert difference < 6, "the top rows of both crops show the same hair"


def test_the_sample(page: Page) -> None:
    page.find("#sample").click()
    page.wait_for_result()
    assert page.size_of("after") == (512, 512)


def test_a_kind_of_image_that_browsers_do_not_show(page: Page, photographs: Path) -> None:
    page.choose(photographs / "smile.tiff")
    page.wait_for_result()
    assert page.size_of("before") == page.size_of("after") == (512, 512)


@pytest.mark.parametrize(
    ("name", "title", "code"),
    [
        ("letter.jpg", "This file is not a photograph", "400 · not_an_image"),
        ("coffee.jpg", "No face was found", "422 · no_face"),
    ],
)
def test_errors_say_what_is_wrong(
    page: Page, photographs: Path, name: str, title: str, code: str
) -> None:
    page.choose(photographs / name)
    text = page.wait_for_problem()
    assert title in text
    assert code in text
    assert not page.find("#report").is_displayed()
    assert page.find("#drop").is_displayed() == (name == "letter.jpg"), "nothing to show"
    assert page.find("#problem button").text == "Choose another"
    page.choose(photographs / "smile.png")
    page.wait_for_result()
    assert not page.find("#problem").is_displayed()
    page.drop(photographs / name)
    assert title in page.wait_for_problem(), "a second file is not ignored"


def test_too_many_bytes_are_not_even_sent(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    large.write_bytes(bytes(21 * 1024 * 1024))
    page.choose(large)
    assert "at most 20.0 MB" in page.wait_for_problem()


def test_no_network(page: Page, photographs: Path) -> None:
    page.offline(True)
    try:
        page.choose(photographs / "smile.png")
        assert "The server cannot be reached" in page.wait_for_problem()
    finally:
        page.offline(False)
    [again] = [b for b in page.all("#problem button") if b.text == "Try again"]
    again.click()
    page.wait_for_result()


def test_a_server_that_comes_late(page: Page) -> None:
    command = page.driver.execute_cdp_cmd
    command("Network.enable", {})
    command("Network.setBlockedURLs", {"urls": ["*/info"]})
    try:
        page.driver.get(page.url)
        assert "The server cannot be reached" in page.wait_for_problem()
    finally:
        command("Network.setBlockedURLs", {"urls": []})
    [again] = [b for b in page.all("#problem button") if b.text == "Try again"]
    again.click()
    page.wait(lambda: page.text("status") == "Ready.")
    assert not page.find("#problem").is_displayed()
    assert page.find("#model").text.startswith("photo")


def test_a_server_that_wants_a_key(page: Page, photographs: Path, tmp_path: Path) -> None:
    with running_service(tmp_path, api_keys="sesame") as guarded:
        visitor = replace(page, url=str(guarded.base_url))
        visitor.open()
        visitor.choose(photographs / "smile.png")
        assert "An API key is needed" in visitor.wait_for_problem()
        said = visitor.text("status")
        visitor.script(
            """const pasted = {clipboardData: new DataTransfer(), bubbles: true};
            const field = document.getElementById('api-key');
            field.dispatchEvent(new ClipboardEvent('paste', pasted));"""
        )
        assert visitor.text("status") == said, "a key is no picture"
        visitor.find("#api-key").send_keys("sesame\n")
        visitor.wait_for_result()
        assert visitor.size_of("after") == (512, 512)


def test_camera_denied(page: Page) -> None:
    page.camera("denied")
    page.find("#camera-open").click()
    page.wait(lambda: page.find("#camera-error").is_displayed())
    assert "does not let this page use the camera" in page.text("camera-error")
    assert not page.find("#camera-shoot").is_enabled()
    page.find("#camera-close").click()
    assert not page.find("#camera").is_displayed()


def test_camera(page: Page) -> None:
    page.camera("granted")
    page.find("#camera-open").click()
    page.wait(lambda: page.find("#camera-shoot").is_enabled())
    page.find("#camera-shoot").click()
    page.wait_for_result()
    assert not page.find("#camera").is_displayed()
    assert page.size_of("after") == page.size_of("before")
    assert page.download().name.startswith("camera-")


def test_nothing_comes_from_elsewhere(page: Page, service: httpx.Client) -> None:
    page.find("#sample").click()
    page.wait_for_result()
    names = page.script("return performance.getEntriesByType('resource').map(e => e.name)")
    hosts = {name.split("/")[2] for name in names if not name.startswith("blob:")}
    assert hosts == {str(service.base_url.netloc, "ascii")}
    policy = service.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


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


def test_parts_of_the_face_where_the_model_can_tell_them_apart(
    page: Page, photographs: Path, tmp_path: Path
) -> None:
    models = write_models(tmp_path, regions=("brows", "eyes", "mouth"))
    with running_service(tmp_path, models_dir=str(models)) as other:
        replace(page, url=str(other.base_url)).open()
        page.choose(photographs / "smile.png")
        page.wait_for_result()
        whole = page.download().read_bytes()
        brows, eyes, mouth = page.all("#regions input")
        for box in (brows, eyes):
            box.click()
            page.wait_for_result()
        assert not mouth.is_enabled(), "the last one stays"
        part = page.download().read_bytes()
        direct = other.post(
            "/neutralize?regions=mouth", files={"file": (photographs / "smile.png").read_bytes()}
        )
        assert part == direct.content != whole
        eyes.click()
        page.wait_for_result()
        brows.click()  # everything again: that answer is known and takes no request
        page.wait(lambda: page.download().read_bytes() == whole)


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
