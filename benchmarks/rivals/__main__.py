"""The service against what one would use instead: `python -m benchmarks.rivals`.

Every server runs the same graph, detector, crop, composite and encoder on the same cores; first
their answers are compared, byte by byte. Then Locust sends photographs of mixed sizes with 1, 8
and 32 users, the servers taking turns in every round. Writes docs/performance/rivals.json.

    python -m benchmarks.rivals                       # the figures of docs/performance.md
    python -m benchmarks.rivals --seconds 5 --rounds 1 --users 8   # a short try
    python -m benchmarks.rivals --editors DIR         # LivePortrait's networks: see editors.py
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

from benchmarks.machine import RESULTS, describe, write
from benchmarks.pictures import mix, multipart
from benchmarks.rivals import editors
from benchmarks.rivals.serving import PYTHON, SERVERS, serving


def answers(base: str, query: str = "") -> dict[str, bytes]:
    """What a server makes of every photograph of the mix."""
    found = {}
    for name, data in dict(mix()).items():
        body, kind = multipart(name, data)
        answer = httpx.post(
            f"{base}/neutralize?faces=largest{query}",
            content=body,
            headers={"Content-Type": kind},
            timeout=120,
        )
        answer.raise_for_status()
        found[name] = answer.content
    return found


def _processor_seconds(process: psutil.Process) -> float:
    total = 0.0
    for each in [process, *process.children(recursive=True)]:
        try:
            spent = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += spent.user + spent.system
    return total


def load(
    base: str, process: psutil.Process, users: int, seconds: float, query: str = ""
) -> dict[str, Any]:
    """Locust's users on a server for a while; the first fifth of the time does not count."""
    with tempfile.TemporaryDirectory() as folder:
        times = Path(folder) / "times.json"
        command = [*PYTHON, "locust", "-f", "benchmarks/locustfile.py", "--host", base]
        command += ["--headless", "--users", str(users), "--spawn-rate", str(users)]
        command += ["--run-time", f"{seconds:g}s", "--stop-timeout", "120", "--only-summary"]
        spent = _processor_seconds(process)
        done = subprocess.run(
            command,
            env=os.environ | {"LOCUST_TIMES": str(times), "QUERY": query},
            capture_output=True,
            text=True,
            check=False,
        )
        spent = _processor_seconds(process) - spent
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
        seen = json.loads(times.read_text())
    first = min(s["began"] for s in seen)
    counted = [s for s in seen if s["began"] - first > seconds / 5]
    # What users still wait for when they are told to stop counts for latency, not for throughput.
    inside = [s for s in seen if seconds / 5 < s["ended"] - first < seconds]
    if not inside or not counted:
        raise SystemExit(f"{seconds:g} s are too few for {users} users here")
    latency = np.array([s["ended"] - s["began"] for s in counted]) * 1000
    return {
        "requests": len(counted),
        "per_second": round(len(inside) / (seconds * 4 / 5), 2),
        "p50_ms": round(float(np.percentile(latency, 50)), 1),
        "p95_ms": round(float(np.percentile(latency, 95)), 1),
        "p99_ms": round(float(np.percentile(latency, 99)), 1),
        "cpu_ms_each": round(spent / max(1, len(seen)) * 1000, 1),
        "answers": len({s["sha256"] for s in seen}),
    }


def summary(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """The median over the rounds of every figure."""
    keys = ("per_second", "p50_ms", "p95_ms", "p99_ms", "cpu_ms_each")
    return {key: round(float(np.median([each[key] for each in rounds])), 2) for key in keys}


def measure(names: list[str], users: list[int], rounds: int, seconds: float) -> dict[str, Any]:
    """Compare the answers, then load every server in turn."""
    expected: dict[str, bytes] = {}
    rows: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for turn in range(rounds):
        for name in names:
            query = SERVERS[name].query
            with serving(SERVERS[name]) as (base, process):
                expected = expected or answers(base, query)
                if (got := answers(base, query)) != expected:
                    wrong = [key for key in got if got[key] != expected[key]]
                    raise SystemExit(f"{name} answers {wrong} otherwise than {names[0]}")
                for number in users:
                    row = load(base, process, number, seconds, query)
                    rows.setdefault((name, number), []).append(row)
                    print(f"round {turn + 1}, {number:>2} users, {name}: {row}", flush=True)
    return {
        "answers": "byte-identical",
        "servers": {name: SERVERS[name].note for name in names},
        "rows": [
            {"server": name, "users": number, **summary(seen), "rounds": seen}
            for (name, number), seen in rows.items()
        ],
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", nargs="+", default=list(SERVERS), choices=list(SERVERS))
    parser.add_argument("--users", nargs="+", type=int, default=[1, 8, 32])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30, help="of each load")
    parser.add_argument("--editors", type=Path, help="checkout of LivePortrait: measure it instead")
    parser.add_argument("--threads", type=int, default=1, help="of both sides with --editors")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the JSON file")
    arguments = parser.parse_args()
    if arguments.editors:
        editors.run(arguments.editors, arguments.threads, arguments.rounds, arguments.out)
        return
    result = measure(arguments.servers, arguments.users, arguments.rounds, arguments.seconds)
    users = " ".join(map(str, arguments.users))
    options = f"--users {users} --rounds {arguments.rounds} --seconds {arguments.seconds:g}"
    head = {
        "command": f"python -m benchmarks.rivals {options}",
        "machine": describe("litserve", "locust"),
        "targets": {"litserve": 1.0, "litserve, with report=minimal": 1.2},
    }
    print(write("rivals", head | result, arguments.out))


if __name__ == "__main__":
    main()
