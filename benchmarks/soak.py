"""A long mixed load on a service of its own: `python -m benchmarks.soak --requests 5000`.

Starts `stoicnet serve`, sends photographs of several sizes, analyses, broken files, pictures
without a face and clients that leave, and asks /livez every 50 ms beside it. Ends with exit code 1
if an answer has an undocumented status, memory grew by more than 5 % after warm-up, or the 99th
percentile of /livez is 100 ms or more. `--stop` ends the service with SIGTERM in the middle and
demands that every request it had accepted is answered.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx
from PIL import Image

from benchmarks.pictures import pictures

DOCUMENTED = frozenset({200, 400, 413, 415, 422, 429, 503, 504})


def photographs() -> list[tuple[str, str, bytes]]:
    """Route, kind and file of every request in the mix."""
    made, nobody = pictures(), io.BytesIO()
    ordinary, large, close = made["512"], made["1600"], made["880"]
    Image.new("RGB", (640, 480), (90, 120, 90)).save(nobody, "JPEG")
    mix = [("/neutralize", "ordinary", ordinary)] * 8
    mix += [("/neutralize", "large", large), ("/neutralize", "close", close)] * 2
    mix += [("/analyze", "analyze", ordinary)] * 3
    mix += [
        ("/neutralize", "no face", nobody.getvalue()),
        ("/neutralize", "broken", ordinary[:9000]),
    ]
    mix += [("/neutralize", "text", b"no photograph"), ("/neutralize", "leaves", ordinary)]
    return mix


@dataclass
class Seen:
    """What came back."""

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    livez: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)


async def send(client: httpx.AsyncClient, request: tuple[str, str, bytes], seen: Seen) -> None:
    """One request."""
    route, kind, data = request
    start = time.perf_counter()
    timeout = 0.03 if kind == "leaves" else 120.0
    try:
        answer = await client.post(route, files={"file": data}, timeout=timeout)
    except httpx.TimeoutException:
        seen.statuses["left"] += 1
        return
    except httpx.TransportError as error:
        seen.statuses[type(error).__name__] += 1
        return
    seen.statuses[str(answer.status_code)] += 1
    if answer.status_code == 200:
        seen.seconds.append(time.perf_counter() - start)
    if answer.status_code == 429:
        await asyncio.sleep(float(answer.headers["retry-after"]))


async def memory_mb(client: httpx.AsyncClient) -> float:
    """Resident memory of the service."""
    text = (await client.get("/metrics")).text
    found = re.search(r"^process_resident_memory_bytes (\S+)$", text, re.MULTILINE)
    assert found
    return float(found[1]) / 1e6


async def probe(client: httpx.AsyncClient, seen: Seen, ended: asyncio.Event) -> None:
    """Ask /livez again and again."""
    while not ended.is_set():
        start = time.perf_counter()
        (await client.get("/livez")).raise_for_status()
        seen.livez.append(time.perf_counter() - start)
        await asyncio.sleep(0.05)


async def load(base: str, requests: int, concurrency: int, warm_up: int) -> Seen:
    """Send the mix."""
    seen, ended = Seen(), asyncio.Event()
    mix, chance = photographs(), random.Random(0)
    todo = iter([chance.choice(mix) for _ in range(requests)])
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    async with (
        httpx.AsyncClient(base_url=base, limits=limits) as client,
        httpx.AsyncClient(base_url=base, timeout=30) as prober,
    ):
        probing = asyncio.create_task(probe(prober, seen, ended))
        done = 0

        async def worker() -> None:
            nonlocal done
            for request in todo:
                await send(client, request, seen)
                done += 1
                if done == warm_up or (done > warm_up and done % 250 == 0):
                    seen.memory_mb.append(await memory_mb(prober))
                    print(f"{done} done, {seen.memory_mb[-1]:.0f} MB", file=sys.stderr, flush=True)

        await asyncio.gather(*(worker() for _ in range(concurrency)))
        await asyncio.sleep(2)  # what abandoned photographs still hold
        seen.memory_mb.append(await memory_mb(prober))
        ended.set()
        await probing
    return seen


async def stop_in_the_middle(base: str, process: subprocess.Popen[bytes]) -> Counter[str]:
    """SIGTERM while 24 requests are accepted; what became of them."""
    data = photographs()[0][2]
    async with httpx.AsyncClient(base_url=base, timeout=120) as client:
        posts = [
            asyncio.create_task(client.post("/neutralize", files={"file": data})) for _ in range(24)
        ]
        accepted = 0.0
        while accepted < 20:
            text = (await client.get("/metrics")).text
            found = re.findall(r"^stoicnet_requests_(?:waiting|working) (\S+)$", text, re.MULTILINE)
            accepted = sum(float(value) for value in found)
        process.send_signal(signal.SIGTERM)
        answers = await asyncio.gather(*posts, return_exceptions=True)
    return Counter(
        str(a.status_code) if isinstance(a, httpx.Response) else type(a).__name__ for a in answers
    )


def start() -> tuple[subprocess.Popen[bytes], str, float]:
    """The service, its address, and the seconds it took to be ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = [sys.executable, "-c", "from app.cli import main; main()"]
    began = time.perf_counter()
    process = subprocess.Popen(
        [*program, "serve", "--port", str(port)],
        env=os.environ | {"STOICNET_LOG_LEVEL": "error"},
    )
    base = f"http://127.0.0.1:{port}"
    while True:
        try:
            if httpx.get(f"{base}/readyz").status_code == 200:
                return process, base, time.perf_counter() - began
        except httpx.TransportError:
            time.sleep(0.02)
        if process.poll() is not None:
            raise SystemExit("the service did not start")


def percentile(values: list[float], share: float) -> float:
    """In milliseconds."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1000


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--warm-up", type=int, default=1000, help="requests before memory counts")
    parser.add_argument("--stop", action="store_true", help="only SIGTERM in the middle of work")
    arguments = parser.parse_args()
    process, base, ready_s = start()
    try:
        if arguments.stop:
            outcome = asyncio.run(stop_in_the_middle(base, process))
            print(json.dumps({"stopped": dict(outcome), "exit_code": process.wait(60)}))
            raise SystemExit(set(outcome) != {"200"})
        began = time.perf_counter()
        seen = asyncio.run(load(base, arguments.requests, arguments.concurrency, arguments.warm_up))
        seconds = time.perf_counter() - began
    finally:
        process.terminate()
        process.wait(60)
    growth = seen.memory_mb[-1] / seen.memory_mb[0] - 1
    undocumented = {
        status: count
        for status, count in seen.statuses.items()
        if status != "left" and (not status.isdigit() or int(status) not in DOCUMENTED)
    }
    report = {
        "ready_s": round(ready_s, 2),
        "requests": arguments.requests,
        "concurrency": arguments.concurrency,
        "seconds": round(seconds, 1),
        "statuses": dict(seen.statuses),
        "undocumented": undocumented,
        "answer_ms_p50_p99": [round(percentile(seen.seconds, p)) for p in (0.5, 0.99)],
        "livez_ms_p50_p99_max": [round(percentile(seen.livez, p), 1) for p in (0.5, 0.99, 1)],
        "memory_mb": [round(value) for value in seen.memory_mb],
        "memory_growth": round(growth, 4),
    }
    print(json.dumps(report, indent=2))
    raise SystemExit(bool(undocumented) or growth > 0.05 or percentile(seen.livez, 0.99) >= 100)


if __name__ == "__main__":
    main()
