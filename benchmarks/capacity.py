"""Machines and dollars for a rate of photographs: `python -m benchmarks.capacity --help`.

Takes what each stage costs (docs/performance/stages.json, `--stage NAME@SIZE=MS`, or `--measure`),
finds by simulation how far machines can be loaded before photographs wait too long, and writes two
tables, with `--write docs/scaling.md` into that page between its markers. Prices are assumptions
and options.
"""

from __future__ import annotations

import argparse
import math
import random
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from benchmarks.queueing import Fleet, Seen, Service, simulate
from benchmarks.stage_costs import NETWORK, Stage, given, measure, read

STAGES = Path("docs/performance/stages.json")
MONTH_S = 730 * 3600
LOADS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
MOST_SIMULATED = 40  # machines; more only balance better


@dataclass(frozen=True, slots=True)
class Assumed:
    """What is not measured.

    Attributes:
        overhead: cost of a whole request over the sum of its stages.
        spread: coefficient of variation of the cost of photographs of one size.
        wait_s: a photograph in twenty may wait this long for a worker.
        refused: share that may get 429.
        queue: photographs that may wait on a machine (STOICNET_QUEUE_SIZE).
        core_hour: dollars for a core with its memory.
        egress_gb: dollars for a gigabyte sent to the internet.
        kb_in, kb_out: size of a photograph and of its answer.
        spare: share of machines that may fail at once, at least one machine.
    """

    overhead: float = 1.15
    spread: float = 0.3
    wait_s: float = 0.25
    refused: float = 0.001
    queue: int = 32
    core_hour: float = 0.045
    egress_gb: float = 0.08
    kb_in: float = 250.0
    kb_out: float = 420.0
    spare: float = 0.05


def costs(stages: list[Stage], mix: dict[str, float] | None, overhead: float) -> dict[str, float]:
    """Seconds of one core for a photograph of each size of the mix, with the request around it."""
    sums: dict[str, float] = defaultdict(float)
    for stage in stages:
        sums[stage.size] += stage.ms / 1000 * overhead
    unknown = set(mix or ()) - sums.keys()
    if unknown:
        raise SystemExit(f"no stages of size {', '.join(sorted(unknown))}; there is {list(sums)}")
    return {size: sums[size] for size in (mix or sums)}


def service(seconds: dict[str, float], mix: dict[str, float], spread: float) -> Service:
    """Draws the time of a photograph: its size from the mix, spread by a lognormal factor."""
    sizes = list(mix)
    means = [seconds[size] for size in sizes]
    weights = [mix[size] for size in sizes]
    sigma = math.sqrt(math.log1p(spread * spread))

    def draw(chance: random.Random) -> float:
        [mean] = chance.choices(means, weights)
        return mean * chance.lognormvariate(-sigma * sigma / 2, sigma)

    return draw


@dataclass(frozen=True, slots=True)
class Plan:
    """Machines for a rate, and how photographs fare on them."""

    rate: float
    cores: int
    machines: int
    spares: int
    load: float
    seen: Seen


def plan(rate: float, cores: int, mean_s: float, draw: Service, assumed: Assumed, n: int) -> Plan:
    """The fewest machines on which waits and refusals stay within what is assumed.

    Tried from nearly full to half empty. Of more than 40 machines a part of 40 is simulated with
    its part of the photographs.
    """
    best = None
    for load in reversed(LOADS):
        machines = max(1, math.ceil(rate * mean_s / (cores * load)))
        if best is not None and machines == best[0]:
            continue
        part = min(1.0, MOST_SIMULATED / machines)
        fleet = Fleet(round(machines * part), cores, assumed.queue)
        seen = simulate(fleet, rate * part, draw, n)
        best = (machines, seen)
        if seen.wait(0.95) <= assumed.wait_s and seen.refused <= assumed.refused:
            break
    assert best is not None
    machines, seen = best
    spares = max(1, math.ceil(machines * assumed.spare))
    return Plan(rate, cores, machines, spares, rate * mean_s / (cores * machines), seen)


def capacity_table(
    stages: list[Stage],
    mix: dict[str, float],
    rates: list[tuple[float, int]],
    assumed: Assumed,
    n: int,
) -> str:
    """What a photograph costs, and a row for every rate, as Markdown."""
    seconds = costs(stages, mix, assumed.overhead)
    total = sum(mix.values())
    mean_s = sum(seconds[size] * share / total for size, share in mix.items())
    network_s = sum(
        stage.ms / 1000 * assumed.overhead * mix[stage.size] / total
        for stage in stages
        if stage.name in NETWORK and stage.size in mix
    )
    draw = service(seconds, mix, assumed.spread)
    each = ", ".join(f"{size}: {seconds[size] * 1000:.0f} ms" for size in mix)
    shares = ", ".join(f"{share / total:.0%} of {size}" for size, share in mix.items())
    lines = [
        f"A photograph costs {mean_s * 1000:.0f} ms of a core ({each}; mix: {shares}; the request "
        f"around the stages: x {assumed.overhead:g}), so that a core does {1 / mean_s:.1f} a "
        f"second. The network is {network_s / mean_s:.0%} of it: a GPU that did it for nothing "
        f"would save that share of the cores and no more.",
        "",
        "| pictures/s | cores busy | machines (+ spare) | load | wait p50 / p95 | 429 | in + out, "
        "all / a machine | cores, $/month | $ per million | egress, $/month |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for rate, cores in rates:
        p = plan(rate, cores, mean_s, draw, assumed, n)
        gbit = rate * (assumed.kb_in + assumed.kb_out) * 8e3 / 1e9
        dollars = (p.machines + p.spares) * cores * assumed.core_hour * MONTH_S / 3600
        egress = rate * MONTH_S * assumed.kb_out / 1e6 * assumed.egress_gb
        lines.append(
            f"| {rate:g} | {rate * mean_s:.1f} | {p.machines} + {p.spares} of {cores} cores "
            f"| {p.load:.0%} | {p.seen.wait(0.5) * 1000:.0f} / {p.seen.wait(0.95) * 1000:.0f} ms "
            f"| {p.seen.refused:.2%} | {gbit:.3g} / {gbit / p.machines:.2g} Gbit/s "
            f"| {dollars:,.0f} | {dollars / (rate * MONTH_S) * 1e6:,.2f} | {egress:,.0f} |"
        )
    lines += ["", f"Assumed: {_assumptions(assumed)}."]
    return "\n".join(lines)


def _assumptions(assumed: Assumed) -> str:
    return (
        f"${assumed.core_hour:g} for a core and hour with its memory, ${assumed.egress_gb:g} for a "
        f"GB sent out, {assumed.kb_in:g} kB in and {assumed.kb_out:g} kB out, the cost of "
        f"photographs of one size spread by {assumed.spread:.0%}, p95 of the wait at most "
        f"{assumed.wait_s * 1000:g} ms, at most {assumed.refused:.1%} answered 429, queues of "
        f"{assumed.queue}, {assumed.spare:.0%} of the machines (at least one) spare"
    )


def queue_table(n: int) -> str:
    """Waits and refusals by load, in units of the mean time of a photograph, as Markdown."""
    draw = service({"one": 1.0}, {"one": 1.0}, 0.5)
    fleets = {
        "1 machine, 2 workers": Fleet(1, 2, 32),
        "1 machine, 8 workers": Fleet(1, 8, 32),
        "16 machines of 8, blind": Fleet(16, 8, 32, 1),
        "16 machines of 8, better of 2": Fleet(16, 8, 32, 2),
        "1 machine, 2 workers, queue of 4": Fleet(1, 2, 4),
    }
    lines = ["| load | " + " | ".join(fleets) + " |", "|---" * (len(fleets) + 1) + "|"]
    for load in (0.5, 0.7, 0.8, 0.9, 0.95, 1.1, 1.5):
        cells = []
        for fleet in fleets.values():
            seen = simulate(fleet, load * fleet.machines * fleet.workers, draw, n)
            cells.append(f"{seen.wait(0.95):.2f}, {seen.refused:.1%}")
        lines.append(f"| {load:.0%} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write_into(page: Path, name: str, table: str) -> None:
    """Replace what stands between `<!-- NAME:begin -->` and `<!-- NAME:end -->`."""
    begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
    head, found, rest = page.read_text().partition(begin)
    _, closed, tail = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{page} has no markers for {name}")
    page.write_text(f"{head}{begin}{table}\n{end}{tail}")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--stages", type=Path, default=STAGES, help="JSON of measured stages")
    source.add_argument("--stage", action="append", help="NAME=MS or NAME@SIZE=MS, repeatable")
    source.add_argument("--measure", action="store_true", help="measure processor time here")
    parser.add_argument("--mix", nargs="*", metavar="SIZE=SHARE", help="default: all sizes alike")
    parser.add_argument("--rates", nargs="*", metavar="RATE:CORES")
    parser.add_argument("--photographs", type=int, default=200_000, help="of each simulation")
    parser.add_argument("--write", type=Path, help="page with markers; default: print")
    for name, value in {f: getattr(Assumed(), f) for f in Assumed.__dataclass_fields__}.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    arguments = parser.parse_args()
    if arguments.stage:
        stages = given(arguments.stage)
    else:
        stages = measure() if arguments.measure else read(arguments.stages)
    pairs = [text.partition("=") for text in arguments.mix or []]
    sizes = {size: float(share) for size, _, share in pairs} or {s.size: 1.0 for s in stages}
    rated = [text.partition(":") for text in arguments.rates or ["1:2", "100:8", "10000:32"]]
    rates = [(float(rate), int(cores or 8)) for rate, _, cores in rated]
    assumed = Assumed(**{f: getattr(arguments, f) for f in Assumed.__dataclass_fields__})
    tables = {
        "capacity": capacity_table(stages, sizes, rates, assumed, arguments.photographs),
        "queueing": queue_table(arguments.photographs),
    }
    for name, table in tables.items():
        if arguments.write:
            write_into(arguments.write, name, table)
        else:
            print(table, end="\n\n")


if __name__ == "__main__":
    main()
