"""Headless Chromium, and the page as somebody uses it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

PATIENCE_S = 60

_DROP = """
const transfer = new DataTransfer();
transfer.items.add(window.dropped);
const init = {dataTransfer: transfer, bubbles: true, cancelable: true};
for (const type of ['dragenter', 'dragover', 'drop'])
  arguments[0].dispatchEvent(new DragEvent(type, init));
"""

_PASTE = """
const transfer = new DataTransfer();
transfer.items.add(window.dropped);
document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: transfer, bubbles: true}));
"""

_HOLD = """
// A file input of the test's own: WebDriver gives files to inputs only.
const input = document.createElement('input');
input.type = 'file';
input.id = 'held';
input.onchange = () => { window.dropped = input.files[0]; };
document.body.append(input);
"""


# No name is resolved, and what is not for this machine goes to a proxy that nobody runs.
_SHUT = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--proxy-server=127.0.0.1:9"]


def chromium_missing() -> str | None:
    """What is not installed, or None when the browser tests can run."""
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"{' and '.join(missing)} not installed" if missing else None


@dataclass(frozen=True)
class Page:
    """The page at the root of a service, in a browser of its own."""

    driver: webdriver.Chrome
    url: str
    downloads: Path

    def open(self) -> None:
        """Load it and wait until it knows the server."""
        self.driver.get(self.url)
        self.wait(lambda: self.text("status") == "Ready.")

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, element_id: str) -> str:
        return str(self.find(f"#{element_id}").text)

    def wait(self, condition: Callable[[], object]) -> None:
        """Until the condition holds; fails after a minute."""
        WebDriverWait(self.driver, PATIENCE_S, poll_frequency=0.1).until(lambda _: condition())

    def script(self, code: str, *arguments: object) -> Any:
        return self.driver.execute_script(code, *arguments)

    def choose(self, photo: Path) -> None:
        """Choose a file in the dialog."""
        self.find("#file").send_keys(str(photo))

    def drop(self, photo: Path) -> None:
        """Drop a file on the page."""
        self._hold(photo)
        self.script(_DROP, self.find("#drop"))

    def paste(self, photo: Path) -> None:
        """Paste a file from the clipboard."""
        self._hold(photo)
        self.script(_PASTE)

    def _hold(self, photo: Path) -> None:
        self.script(_HOLD)
        self.find("#held").send_keys(str(photo))
        self.wait(lambda: self.script("return Boolean(window.dropped)"))

    def select(self, element_id: str, value: str) -> None:
        Select(self.find(f"#{element_id}")).select_by_value(value)

    def slide(self, element_id: str, value: float) -> None:
        """Move a slider as dragging does: one `input` event."""
        self.script(
            "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))",
            self.find(f"#{element_id}"),
            value,
        )

    def unfold(self) -> None:
        """Open everything that the report folds."""
        self.script("document.querySelectorAll('#report details').forEach(d => { d.open = true })")

    def drag(self, element_id: str, by: int) -> None:
        """With the mouse, so many pixels to the right."""
        actions = webdriver.ActionChains(self.driver)
        actions.drag_and_drop_by_offset(self.find(f"#{element_id}"), by, 0).perform()

    def swipe(self, x: float, y: float, by: int) -> None:
        """With one finger, in steps, `by` pixels to the right."""
        steps = 14
        for step in range(steps + 1):
            kind = "touchMove" if step else "touchStart"
            point = {"x": x + by * step / steps, "y": y}
            event = {"type": kind, "touchPoints": [point]}
            self.driver.execute_cdp_cmd("Input.dispatchTouchEvent", event)
        event = {"type": "touchEnd", "touchPoints": []}
        self.driver.execute_cdp_cmd("Input.dispatchTouchEvent", event)

    def wait_for_result(self) -> None:
        self.wait(lambda: self.text("status").endswith(("Done.", "Nothing was altered.")))

    def wait_for_problem(self) -> str:
        self.wait(lambda: self.find("#problem").is_displayed())
        return self.text("problem")

    def size_of(self, element_id: str) -> tuple[int, int]:
        """The picture's own pixels, width and height."""
        width, height = self.script(
            "const i = arguments[0]; return [i.naturalWidth, i.naturalHeight]",
            self.find(f"#{element_id}"),
        )
        return width, height

    def download(self) -> Path:
        """Click Download and return the file."""
        name = str(self.find("#download").get_attribute("download"))
        target = self.downloads / name
        target.unlink(missing_ok=True)
        self.find("#download").click()
        self.wait(target.exists)
        return target

    def camera(self, setting: str) -> None:
        """`granted`, `denied` or `prompt` for this page."""
        self.driver.execute_cdp_cmd(
            "Browser.setPermission", {"permission": {"name": "camera"}, "setting": setting}
        )

    def offline(self, offline: bool) -> None:
        """Pull the network plug, or put it back."""
        conditions = {"offline": offline, "latency": 0, "downloadThroughput": -1}
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd(
            "Network.emulateNetworkConditions", conditions | {"uploadThroughput": -1}
        )

    def requested(self) -> list[str]:
        """The URL of everything that the browser set out to fetch since last asked."""
        entries = self.driver.get_log("performance")  # type: ignore[no-untyped-call]
        events = (json.loads(entry["message"])["message"] for entry in entries)
        return [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]

    def console(self) -> list[dict[str, Any]]:
        """What the browser's console got since last asked."""
        return list(self.driver.get_log("browser"))  # type: ignore[no-untyped-call]


def start_chromium(
    profile: Path, url: str, camera_file: Path | None = None, shut: bool = False
) -> Page:
    """A headless Chromium.

    Args:
        profile: a new empty folder.
        url: of the service.
        camera_file: MJPEG that the pretended camera plays.
        shut: its network ends at this machine, and `requested` knows what it asked for.
    """
    downloads = profile / "downloads"
    downloads.mkdir()
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1280,900",
        f"--user-data-dir={profile / 'user'}",
    ]
    logs = {"browser": "ALL"}
    if shut:
        flags += _SHUT
        logs["performance"] = "ALL"
    if camera_file:
        flags += [
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={camera_file}",
        ]
    for flag in flags:
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", logs)
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    return Page(driver, url, downloads)
