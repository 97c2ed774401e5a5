"""What Ray Serve's proxy costs beside the work: `python -m benchmarks.ray_proxy --requests 200`.

Starts `stoicnet serve --engine ray`, sends the sample photograph again and again, and divides the
processor time of the proxy and of the replica by the requests. Processor time, because a proxy is
full when its one core is, whatever else the machine does. Linux only (/proc).
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from benchmarks.stage_costs import SAMPLE

_TICKS = os.sysconf("SC_CLK_TCK")


def processor_s(name: str, session: int) -> float:
    """Seconds that processes of Ray with this name have used, among those of a process group."""
    total = 0.0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            title = (entry / "cmdline").read_text()
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if name in title and int(fields[3]) == session:
            total += (int(fields[11]) + int(fields[12])) / _TICKS
    return total


def start() -> tuple[subprocess.Popen[bytes], str]:
    """The service on Ray in a session of its own, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from app.cli import main; main()", "serve"]
    process = subprocess.Popen(
        [*command, "--engine", "ray", "--port", str(port)],
        env=os.environ | {"STOICNET_DEVICE": "cpu", "STOICNET_LOG_LEVEL": "error"},
        start_new_session=True,
    )
    base = f"http://127.0.0.1:{port}"
    while True:
        try:
            if httpx.get(f"{base}/readyz").status_code == 200:
                return process, base
        except httpx.TransportError:
            time.sleep(0.1)
        if process.poll() is not None:
            raise SystemExit("the service did not start")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200)
    arguments = parser.parse_args()
    photograph = SAMPLE.read_bytes()
    process, base = start()
    try:
        with httpx.Client(base_url=base, timeout=300) as client:

            def post() -> int:
                answer = client.post("/neutralize", files={"file": photograph})
                answer.raise_for_status()
                return len(answer.content)

            for _ in range(10):
                size = post()
            names = {"proxy": "ray::ProxyActor", "replica": "ray::ServeReplica"}
            before = {key: processor_s(name, process.pid) for key, name in names.items()}
            for _ in range(arguments.requests):
                post()
            spent = {
                f"{key}_ms": round(
                    (processor_s(name, process.pid) - before[key]) / arguments.requests * 1000, 2
                )
                for key, name in names.items()
            }
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)
    report = {"requests": arguments.requests, "kb_in": round(len(photograph) / 1000)}
    print(json.dumps(report | {"kb_out": round(size / 1000)} | spent))


if __name__ == "__main__":
    main()
