"""Resident memory of the service under large photographs: `python -m benchmarks.memory`.

Users send photographs of 12 megapixels, all at once, until each has had its answers. The service of
`photo` 0.5.0 does the same afterwards. Memory is read every 20 ms; the last figure is after a rest.
Writes docs/performance/memory.json; exit code 1 if the most is over its target.
"""

from __future__ import annotations

import argparse
import io
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
from PIL import Image

from benchmarks.against import BEFORE, HERE, checked_out, of_checkout, version_of
from benchmarks.machine import RESULTS, describe, write
from benchmarks.pictures import SAMPLE, multipart
from benchmarks.rivals.serving import Server, serving

TARGET = 0.7
"""Most of the memory that the version before took."""
_WIDTH, _HEIGHT = 4000, 3000
_QUEUE = {"STOICNET_QUEUE_SIZE": "128", "STOICNET_REQUEST_TIMEOUT": "3600"}


def photograph() -> bytes:
    """A portrait in a photograph of 12 megapixels, as a JPEG file."""
    page = Image.new("RGB", (_WIDTH, _HEIGHT), (120, 110, 100))
    with Image.open(SAMPLE) as sample:
        page.paste(sample.convert("RGB").resize((_HEIGHT, _HEIGHT)), (500, 0))
    buffer = io.BytesIO()
    page.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _megabytes(process: psutil.Process) -> float:
    processes = [process, *process.children(recursive=True)]
    return float(sum(each.memory_info().rss for each in processes)) / 1e6


def measure(server: Server, users: int, requests: int, rest: float) -> dict[str, Any]:
    """Megabytes before, at most, and after a rest of `rest` seconds."""
    body, kind = multipart("12", photograph())
    with serving(server) as (base, process):
        before, seen, ended = _megabytes(process), [0.0], threading.Event()

        def watch() -> None:
            while not ended.wait(0.02):
                seen.append(_megabytes(process))

        def send(_: int) -> None:
            url = f"{base}/neutralize?faces=largest"
            headers = {"Content-Type": kind}
            httpx.post(url, content=body, headers=headers, timeout=3600).raise_for_status()

        watcher = threading.Thread(target=watch)
        watcher.start()
        with ThreadPoolExecutor(users) as pool:
            list(pool.map(send, range(requests)))
        ended.set()
        watcher.join()
        time.sleep(rest)
        after = _megabytes(process)
    return {
        "requests": requests,
        "before_mb": round(before),
        "peak_mb": round(max(seen)),
        "after_mb": round(after),
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commit", default=BEFORE, help="of the version before")
    parser.add_argument("--users", type=int, default=32)
    parser.add_argument("--requests", type=int, default=96)
    parser.add_argument("--rest", type=float, default=8, help="seconds")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the JSON file")
    arguments = parser.parse_args()
    machine = describe("psutil")  # the commit that is measured
    rows = []
    with checked_out(arguments.commit) as then:
        for name, folder in (("now", HERE), (f"photo {version_of(then)}", then)):
            server = of_checkout(folder, _QUEUE)
            figures = measure(server, arguments.users, arguments.requests, arguments.rest)
            rows.append({"name": name} | figures)
            print(json.dumps(rows[-1]), flush=True)
    options = f"--users {arguments.users} --requests {arguments.requests}"
    head = {
        "command": f"python -m benchmarks.memory --commit {arguments.commit} {options}",
        "machine": machine,
        "users": arguments.users,
        "megapixels": _WIDTH * _HEIGHT // 1_000_000,
        "rest_s": arguments.rest,
        "target": TARGET,
        "rows": rows,
    }
    print(write("memory", head, arguments.out))
    raise SystemExit(rows[0]["peak_mb"] > TARGET * rows[1]["peak_mb"])


if __name__ == "__main__":
    main()
