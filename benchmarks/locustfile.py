"""Users who send photographs of mixed sizes: what `benchmarks.rivals` runs in Locust.

Each waits an exponential time (mean THINK_SECONDS) between an answer and the next photograph, so
that requests arrive as they do from people who know nothing of each other. Exact times go to the
file LOCUST_TIMES as JSON; Locust's own percentiles are rounded. QUERY adds options to every
request. Exit code 1 if a request failed, or the 99th percentile is over P99_MS.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import time
from pathlib import Path
from typing import Any

from locust import FastHttpUser, events, task
from locust.env import Environment

from benchmarks.pictures import mix, multipart

THINK_SECONDS = float(os.environ.get("THINK_SECONDS", "0.05"))
P99_MS = float(os.environ.get("P99_MS", "inf"))
QUERY = os.environ.get("QUERY", "")
FORMS = [(name, *multipart(name, data)) for name, data in mix()]
chance = random.Random(0)
times: list[dict[str, Any]] = []


class Visitor(FastHttpUser):
    """Sends one photograph after the other."""

    network_timeout = 120.0

    def wait_time(self) -> float:
        """Until the next photograph."""
        return chance.expovariate(1 / THINK_SECONDS) if THINK_SECONDS else 0.0

    @task
    def neutralize(self) -> None:
        """Send one and read the whole answer."""
        name, body, kind = chance.choice(FORMS)
        began = time.time()
        with self.client.post(
            f"/neutralize?faces=largest{QUERY}",
            data=body,
            headers={"Content-Type": kind},
            name=name,
            catch_response=True,
        ) as answer:
            content = answer.content or b""
            if answer.status_code != 200 or not content.startswith(b"\x89PNG"):
                answer.failure(f"{answer.status_code}: {content[:100]!r}")
                return
        ended = time.time()
        digest = hashlib.sha256(content).hexdigest()[:16]
        times.append({"name": name, "began": began, "ended": ended, "sha256": digest})


@events.quitting.add_listener
def report(environment: Environment, **_: Any) -> None:
    """Write the times, and hold them against the thresholds."""
    if target := os.environ.get("LOCUST_TIMES"):
        Path(target).write_text(json.dumps(times))
    total = environment.stats.total
    late = total.get_response_time_percentile(0.99) > P99_MS if total.num_requests else True
    if total.fail_ratio > 0 or late:
        environment.process_exit_code = 1
