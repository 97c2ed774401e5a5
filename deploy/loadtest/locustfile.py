"""Load for a running service: `locust -f deploy/loadtest/locustfile.py --host http://localhost:8000`.

PHOTOGRAPHS names a folder of JPEG, PNG or WebP files (default: docs/samples beside this checkout).
A full queue (429) and a missed deadline (504) are answers of a healthy service under too much load:
they are counted by name, not as failures.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

from locust import HttpUser, between, task

FOLDER = Path(
    os.environ.get("PHOTOGRAPHS", Path(__file__).resolve().parents[2] / "docs" / "samples")
)
PHOTOGRAPHS = [
    path for path in sorted(FOLDER.iterdir()) if path.suffix.lower() in {".jpg", ".png", ".webp"}
]
if not PHOTOGRAPHS:
    raise SystemExit(f"no photographs in {FOLDER}")
CONTENTS = {path.name: path.read_bytes() for path in PHOTOGRAPHS}


class Visitor(HttpUser):
    """Somebody who sends photographs, and now and then what is no photograph."""

    wait_time = between(0.1, 1.0)

    @task(18)
    def neutralize(self) -> None:
        """The whole photograph."""
        self._send("neutralize", {})

    @task(6)
    def face(self) -> None:
        """The aligned face alone, at some strength."""
        strength = random.choice([0.25, 0.5, 0.75, 1.0])
        self._send("neutralize?output=face", {"output": "face", "strength": strength})

    @task(1)
    def no_image(self) -> None:
        """A text; 400 is the right answer."""
        files = {"file": ("letter.jpg", b"Dear sir, this is no photograph.")}
        with self.client.post(
            "/neutralize", files=files, name="not an image", catch_response=True
        ) as response:
            if response.status_code in (400, 429):
                response.success()
            else:
                response.failure(f"{response.status_code} for a text")

    @task(2)
    def alive(self) -> None:
        """The liveness probe."""
        self.client.get("/livez")

    def _send(self, name: str, query: dict[str, object]) -> None:
        photo = random.choice(list(CONTENTS))
        with self.client.post(
            "/neutralize",
            params={"faces": "largest", **query},
            files={"file": (photo, CONTENTS[photo])},
            name=name,
            catch_response=True,
        ) as response:
            if response.status_code in (429, 504):
                response.request_meta["name"] = f"{name} ({response.status_code})"
                response.success()
            elif response.status_code != 200:
                response.failure(f"{response.status_code}: {response.text[:200]}")
