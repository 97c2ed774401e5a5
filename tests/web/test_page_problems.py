"""What the page does when something is in the way: files, network, keys, cameras."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.web.browser import Page
from tests.web.service import running_service


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
