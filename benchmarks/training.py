"""Training steps of `photo`: images a second, `python -m benchmarks.training`.

Plain float32 as PyTorch runs it by default, against what `model_training train photo` uses:
channels last and bfloat16 autocast. A step is the network, the rendering, an L1 loss, the gradients
and AdamW, on random pictures; the ways take turns. Writes docs/performance/training.json.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from app.inference.cores import usable_cores
from benchmarks.machine import RESULTS, describe, write
from model_training.networks.photo import WINDOW_SIZE, PhotoNet, render

WAYS = {
    "float32": (torch.contiguous_format, False),
    "float32, channels last": (torch.channels_last, False),
    "bfloat16, channels last": (torch.channels_last, True),
}
"""Memory format of weights and pictures, and whether bfloat16 autocast is on."""


def step_of(way: str, batch: int) -> Callable[[], float]:
    """A function that makes one training step and returns its loss."""
    memory_format, autocast = WAYS[way]
    torch.manual_seed(0)
    network = PhotoNet().to(memory_format=memory_format)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), 4e-4)
    shape = (batch, 3, WINDOW_SIZE, WINDOW_SIZE)
    image, target = ((torch.rand(shape) * 2 - 1).to(memory_format=memory_format) for _ in range(2))

    def step() -> float:
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            maps = network(image)
        loss = (render(image, maps) - target).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def measure(batches: list[int], rounds: int) -> list[dict[str, Any]]:
    """Images a second for every way and batch, medians over rounds in which the ways take turns."""
    rows = []
    for batch in batches:
        steps = {way: step_of(way, batch) for way in WAYS}
        spent: dict[str, list[float]] = {way: [] for way in WAYS}
        for turn in range(rounds + 1):
            for way, step in steps.items():
                start = time.perf_counter()
                step()
                if turn:  # the first one lays out memory
                    spent[way].append(time.perf_counter() - start)
        plain = float(np.median(spent["float32"]))
        for way, times in spent.items():
            each = float(np.median(times))
            rate, gain = round(batch / each, 2), round(plain / each, 2)
            rows.append({"way": way, "batch": batch, "images_per_second": rate, "ratio": gain})
            print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", nargs="+", type=int, default=[4, 16, 32])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the JSON file")
    arguments = parser.parse_args()
    torch.set_num_threads(usable_cores())
    rows = measure(arguments.batches, arguments.rounds)
    batches = " ".join(map(str, arguments.batches))
    head = {
        "command": f"python -m benchmarks.training --batches {batches} --rounds {arguments.rounds}",
        "machine": describe("torch"),
    }
    print(write("training", head | {"rows": rows}, arguments.out))


if __name__ == "__main__":
    main()
