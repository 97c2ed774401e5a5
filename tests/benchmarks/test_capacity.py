"""The simulation behind docs/scaling.md against what queueing theory knows, and its tables."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from benchmarks.capacity import Assumed, capacity_table, costs, queue_table, service, write_into
from benchmarks.queueing import Fleet, simulate
from benchmarks.stage_costs import given, read

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scaling.md"


def erlang_c_wait(workers: int, load: float) -> float:
    """Mean wait of M/M/c in units of the mean service time (Erlang 1917)."""
    offered = workers * load
    top = offered**workers / math.factorial(workers) / (1 - load)
    below = sum(offered**k / math.factorial(k) for k in range(workers))
    return top / (below + top) / (workers * (1 - load))


@pytest.mark.parametrize(("workers", "load"), [(1, 0.6), (2, 0.8), (8, 0.8)])
def test_waits_are_those_of_erlang(workers: int, load: float) -> None:
    seen = simulate(
        Fleet(1, workers, 10**6, 1), workers * load, lambda c: c.expovariate(1.0), 200_000, seed=1
    )
    mean = sum(seen.waits) / len(seen.waits)
    assert mean == pytest.approx(erlang_c_wait(workers, load), rel=0.1)
    assert seen.busy == pytest.approx(load, rel=0.03)
    assert seen.refused == 0


def test_refusals_are_those_of_a_full_queue() -> None:
    load, places = 1.2, 5  # M/M/1/5: one worker and four that wait
    seen = simulate(Fleet(1, 1, places - 1, 1), load, lambda c: c.expovariate(1.0), 60_000)
    share = (1 - load) * load**places / (1 - load ** (places + 1))
    assert seen.refused == pytest.approx(share, rel=0.05)


def test_looking_at_two_machines_is_better_than_chance() -> None:
    waits = [
        simulate(Fleet(16, 2, 32, choices), 16 * 2 * 0.8, lambda _: 1.0, 20_000).wait(0.95)
        for choices in (1, 2)
    ]
    assert waits[1] < waits[0] / 2


def test_the_same_seed_the_same_outcome() -> None:
    draw = service({"a": 0.1, "b": 0.3}, {"a": 1, "b": 1}, 0.3)
    first, second = (simulate(Fleet(2, 2), 12.0, draw, 2_000) for _ in range(2))
    assert first == second


def test_the_table(tmp_path: Path) -> None:
    file = tmp_path / "stages.json"
    rows = '[{"name": "decode", "size": 512, "ms": 40}, {"name": "network", "size": 512, "ms": 60}]'
    file.write_text(f'{{"stages": {rows}}}')
    stages = read(file)
    assert stages == given(["decode@512=40", "network@512=60"])
    assert costs(stages, None, 1.0) == {"512": pytest.approx(0.1)}
    table = capacity_table(stages, {"512": 1.0}, [(1, 2), (100, 8)], Assumed(overhead=1.0), 4_000)
    assert "100 ms of a core" in table
    assert "The network is 60% of it" in table
    one, hundred = [line.split("|") for line in table.splitlines() if line[:3] in ("| 1", "| 1")]
    assert one[3].strip() == "1 + 1 of 2 cores"
    machines = int(hundred[3].split()[0])
    assert 10 / 8 <= machines <= 10 / 8 / 0.5 + 1  # ten busy cores, loaded by half or more
    assert float(hundred[8].replace(",", "")) == pytest.approx(
        (machines + 1) * 8 * Assumed().core_hour * 730, abs=1
    )
    with pytest.raises(SystemExit, match="1024"):
        costs(stages, {"1024": 1.0}, 1.0)


def test_the_page_has_a_place_for_the_tables(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text())
    write_into(page, "queueing", queue_table(500))
    write_into(page, "capacity", "here")
    text = page.read_text()
    assert "<!-- capacity:begin -->\nhere\n<!-- capacity:end -->" in text
    assert text.count("| load |") == 1
    with pytest.raises(SystemExit, match="no markers"):
        write_into(page, "other", "-")
