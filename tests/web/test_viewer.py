"""The API's viewer at `/docs`, in a real browser whose network ends at this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from selenium.common.exceptions import WebDriverException

from tests.web.browser import Page, start_chromium


@pytest.fixture
def offline_page(tmp_path_factory: pytest.TempPathFactory, service: httpx.Client) -> Iterator[Page]:
    profile = tmp_path_factory.mktemp("shut")
    page = start_chromium(profile, str(service.base_url), shut=True)
    yield page
    page.driver.quit()
    shutil.rmtree(profile, ignore_errors=True)


def test_the_viewer_works_with_the_network_shut(offline_page: Page, service: httpx.Client) -> None:
    page = offline_page
    # Chromium's first page may still be loading, and ends a navigation that fails without a word.
    page.driver.get(str(service.base_url.join("/livez")))
    with pytest.raises(WebDriverException, match="ERR_"):
        page.driver.get("https://cdn.jsdelivr.net/")
    page.console()
    page.requested()
    page.driver.get(str(service.base_url.join("/docs")))
    described = service.get("/openapi.json").json()["paths"]
    operations = sum(len(methods) for methods in described.values())
    page.wait(lambda: len(page.all(".opblock")) == operations)
    shown = {block.text for block in page.all(".opblock-summary-path")}
    assert {path.replace("\u200b", "") for path in shown} == set(described)

    page.find("#operations-photographs-neutralize .opblock-summary-control").click()
    page.wait(lambda: page.all(".opblock.is-open table.parameters"))
    assert "strength" in page.find(".opblock.is-open").text

    # Asking the server from the page works under the same policy.
    page.find("#operations-service-livez .opblock-summary-control").click()
    opened = "#operations-service-livez"
    page.wait(lambda: page.all(f"{opened} .try-out__btn"))
    page.find(f"{opened} .try-out__btn").click()
    page.wait(lambda: page.all(f"{opened} .execute"))
    page.find(f"{opened} .execute").click()
    page.wait(lambda: page.all(f"{opened} .live-responses-table"))
    assert '"status": "ok"' in page.find(f"{opened} .live-responses-table").text

    requested = [url for url in page.requested() if not url.startswith(("data:", "blob:"))]
    names = {urlsplit(url).path.rsplit("/", 1)[-1] for url in requested}
    assert {"docs", "openapi.json", "swagger-ui-bundle.js", "swagger-ui.css", "livez"} <= names
    assert {urlsplit(url).netloc for url in requested} == {service.base_url.netloc.decode()}
    assert page.console() == []


def test_there_is_one_viewer_and_its_files_keep_the_policy(service: httpx.Client) -> None:
    assert service.get("/redoc").status_code == 404
    for path in ("/docs", "/docs/swagger-ui/swagger-ui-bundle.js", "/web/js/docs.js"):
        answer = service.get(path)
        assert answer.status_code == 200, path
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert "http" not in answer.headers["content-security-policy"]
