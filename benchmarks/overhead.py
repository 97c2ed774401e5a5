"""The whole of POST /neutralize against the sum of its stages: `python -m benchmarks.overhead`.

One request at a time to a service of its own, over a connection that stays open. The stages' times
come from the same answers (`Server-Timing`), so a busy machine slows both alike. Writes
docs/performance/overhead.json; exit code 1 if the whole is more than 1.15 of its stages.
"""

from __future__ import annotations

import argparse
import http.client
import re
import statistics
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.machine import RESULTS, describe, write
from benchmarks.pictures import multipart, pictures
from benchmarks.soak import start

TARGET = 1.15
_STAGES = ("decode", "detect", "crop", "measure", "infer", "composite", "identity", "encode")


def stage_times(server_timing: str) -> dict[str, float]:
    """Milliseconds by name, from a Server-Timing header; what is no work on pixels is left out."""
    found = re.findall(r"([a-z_]+);dur=([0-9.]+)", server_timing)
    return {name: float(spent) for name, spent in found if name in _STAGES}


def ask(connection: http.client.HTTPConnection, body: bytes, kind: str) -> tuple[float, float]:
    """Milliseconds of a request until its last byte is here, and of its stages."""
    began = time.perf_counter()
    connection.request("POST", "/neutralize?faces=largest", body, {"Content-Type": kind})
    answer = connection.getresponse()
    content = answer.read()
    spent = (time.perf_counter() - began) * 1000
    if answer.status != 200:
        raise SystemExit(f"{answer.status}: {content[:200]!r}")
    return spent, sum(stage_times(answer.headers["Server-Timing"]).values())


def measure(base: str, sizes: list[str], requests: int) -> list[dict[str, Any]]:
    """A row for every size of picture."""
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=60)
    rows, made = [], pictures()
    for size in sizes:
        body, kind = multipart(size, made[size])
        for _ in range(3):
            ask(connection, body, kind)
        seen = [ask(connection, body, kind) for _ in range(requests)]
        rows.append(
            {
                "size": int(size),
                "whole_ms": round(statistics.median(whole for whole, _ in seen), 2),
                "stages_ms": round(statistics.median(stages for _, stages in seen), 2),
                "ratio": round(statistics.median(whole / stages for whole, stages in seen), 3),
            }
        )
    connection.close()
    return rows


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", default=["512", "880", "1600", "3000"])
    parser.add_argument("--requests", type=int, default=60, help="of each size")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the JSON file")
    arguments = parser.parse_args()
    process, base, _ = start()
    try:
        rows = measure(base, arguments.sizes, arguments.requests)
    finally:
        process.terminate()
        process.wait(60)
    sizes = " ".join(arguments.sizes)
    result = {
        "command": f"python -m benchmarks.overhead --sizes {sizes} --requests {arguments.requests}",
        "machine": describe(),
        "target": TARGET,
        "rows": rows,
    }
    for row in rows:
        print(f"{row['size']:>5}  {row['whole_ms']} / {row['stages_ms']} ms = {row['ratio']}")
    print(write("overhead", result, arguments.out))
    raise SystemExit(any(row["ratio"] > TARGET for row in rows))


if __name__ == "__main__":
    main()
