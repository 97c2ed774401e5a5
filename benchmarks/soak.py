"""A long mixed load on a service of its own: `python -m benchmarks.soak --requests 5000`.

Starts `stoicnet serve`, sends what `benchmarks.soak_mix` has (photographs of several sizes and
kinds, several faces, broken files, clients that leave), and asks /livez every 50 ms beside it. Ends
with exit code 1 if an answer has an undocumented status, memory grew by more than `--growth` after
warm-up, or the 99th percentile of /livez is 100 ms or more. `--minutes` goes by the clock, not by a
number of requests, and memory counts after 3 minutes. `--stop` ends the service with SIGTERM in the
middle and demands that every request it had accepted is answered.
"""

from __future__ import annotations

import argparse
import asyncio
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
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx

from benchmarks.soak_mix import Sent, mix

DOCUMENTED = frozenset({200, 400, 413, 415, 422, 429, 503, 504})
WARM_S = 180.0  # from then on memory counts, when the run goes by the clock


@dataclass
class Seen:
    """What came back."""

    statuses: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, Counter[str]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    livez: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)


async def send(client: httpx.AsyncClient, sent: Sent, seen: Seen) -> None:
    """One request."""
    start = time.perf_counter()
    timeout = 0.03 if sent.leaves else 120.0
    try:
        answer = await client.post(
            sent.route, params=sent.query, headers=sent.headers, timeout=timeout, **sent.body
        )
    except httpx.TimeoutException:
        seen.statuses["left"] += 1
        return
    except httpx.TransportError as error:
        seen.statuses[type(error).__name__] += 1
        return
    seen.statuses[str(answer.status_code)] += 1
    seen.kinds.setdefault(sent.kind, Counter())[str(answer.status_code)] += 1
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


def requests(number: int, seconds: float | None) -> Iterator[Sent]:
    """The mix by chance, so many of it, or for so long."""
    chance, every, began = random.Random(0), mix(), time.monotonic()
    while number > 0 if seconds is None else time.monotonic() < began + seconds:
        number -= 1
        yield chance.choice(every)


async def load(
    base: str, todo: Iterator[Sent], concurrency: int, warm_up: int, by_clock: bool
) -> Seen:
    """Send them; memory is read every 250 requests after `warm_up`, or every minute."""
    seen, ended = Seen(), asyncio.Event()
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    async with (
        httpx.AsyncClient(base_url=base, limits=limits) as client,
        httpx.AsyncClient(base_url=base, timeout=30) as prober,
    ):
        probing = asyncio.create_task(probe(prober, seen, ended))
        done, next_reading = 0, time.monotonic() + WARM_S

        async def worker() -> None:
            nonlocal done, next_reading
            for sent in todo:
                await send(client, sent, seen)
                done += 1
                if by_clock:
                    due = time.monotonic() >= next_reading
                else:
                    due = done == warm_up or (done > warm_up and done % 250 == 0)
                if due:
                    next_reading += 60.0
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
    ordinary = mix()[0].body
    async with httpx.AsyncClient(base_url=base, timeout=120) as client:
        posts = [asyncio.create_task(client.post("/neutralize", **ordinary)) for _ in range(24)]
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
    parser.add_argument("--minutes", type=float, help="so long, instead of so many")
    parser.add_argument("--growth", type=float, default=0.05, help="of memory that is let through")
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
        by_clock = arguments.minutes is not None
        todo = requests(arguments.requests, arguments.minutes * 60 if by_clock else None)
        seen = asyncio.run(load(base, todo, arguments.concurrency, arguments.warm_up, by_clock))
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
        "requests": seen.statuses.total(),
        "concurrency": arguments.concurrency,
        "seconds": round(seconds, 1),
        "statuses": dict(seen.statuses),
        "kinds": {kind: dict(seen.kinds[kind]) for kind in sorted(seen.kinds)},
        "undocumented": undocumented,
        "answer_ms_p50_p99": [round(percentile(seen.seconds, p)) for p in (0.5, 0.99)],
        "livez_ms_p50_p99_max": [round(percentile(seen.livez, p), 1) for p in (0.5, 0.99, 1)],
        "memory_mb": [round(value) for value in seen.memory_mb],
        "memory_growth": round(growth, 4),
    }
    print(json.dumps(report, indent=2))
    raise SystemExit(
        bool(undocumented) or growth > arguments.growth or percentile(seen.livez, 0.99) >= 100
    )


if __name__ == "__main__":
    main()
