"""Training steps of every stage: images a second, `python -m benchmarks.training`.

What a user starts from is PyTorch's default, eager float32 in contiguous memory; the training
commands use channels last and bfloat16 autocast. The steps of `classic`'s stages 1 and 2 are the
training's own; those of the meter and of `photo` are its networks, losses of the same kind,
gradients and optimizers, without the making of batches. Pictures are random numbers: what a step
costs does not depend on them. The ways take turns. Writes docs/performance/training.json.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from app.inference.cores import usable_cores
from benchmarks.machine import RESULTS, describe, write
from model_training.data.crop_cache import CropCache
from model_training.losses import classic as classic_losses
from model_training.losses.photo import lsgan_discriminator, lsgan_generator
from model_training.networks.classic import ClassicNet, Neutralizer
from model_training.networks.meter import BLENDSHAPES, METER_SIZE, QUANTITIES, MeterNet
from model_training.networks.patch_discriminator import PatchDiscriminator
from model_training.networks.photo import WINDOW_SIZE, PhotoNet, render
from model_training.stages.classic_context import ClassicContext
from model_training.stages.classic_recipe import PAPER
from model_training.stages.classic_stage1 import steps_of_stage1
from model_training.stages.classic_stage2 import steps_of_stage2
from model_training.stages.loop import Pace
from model_training.stages.meter import meter_loss

PLAIN, LAST, BF16 = "float32", "float32, channels last", "bfloat16, channels last"
WAYS = {
    PLAIN: (torch.contiguous_format, False),
    LAST: (torch.channels_last, False),
    BF16: (torch.channels_last, True),
}
"""Memory format of weights and pictures, and whether bfloat16 autocast is on."""

Step = Callable[[], object]


class Load(NamedTuple):
    """What is trained on: a stage, the side of its pictures, pictures a step."""

    stage: str
    size: int
    batch: int


LOADS = [
    *(Load("classic 1", size, 32) for size in (64, 112, 224)),
    *(Load("classic 1", 112, batch) for batch in (8, 128)),
    *(Load("classic 2", size, 32) for size in (64, 112, 224)),
    *(Load("classic 2", 112, batch) for batch in (8, 128)),
    *(Load("classic 3", 0, batch) for batch in (32, 256)),
    *(Load("meter", METER_SIZE, batch) for batch in (12, 48, 192)),
    *(Load("photo", WINDOW_SIZE, batch) for batch in (4, 17, 32)),
]
"""The published batches are 32 (`classic`), 48 (the meter) and 17 (`photo`); stage 3 sees latents
instead of pictures, and the meter and `photo` have one size."""


class _Contiguous(ClassicContext):
    def to_device(self, images: Tensor) -> Tensor:
        """Batch to the device, in the memory layout it has."""
        return images.to(self.device)


def classic_step(load: Load, way: str) -> Step:
    """Stage 1's or 2's own step, at the paper's settings."""
    memory_format, autocast = WAYS[way]
    recipe = replace(
        PAPER,
        network=replace(PAPER.network, image_size=load.size),
        batch_size=load.batch,
        precision="bf16" if autocast else "fp32",
    )
    shape = (load.batch, load.size, load.size, 3)
    crops = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    keys = tuple(str(row) for row in range(load.batch))
    kind = ClassicContext if memory_format == torch.channels_last else _Contiguous
    net = ClassicNet(recipe.network).to(memory_format=memory_format)  # type: ignore[call-overload]
    data = CropCache(crops, keys, keys, np.zeros(load.batch, bool))
    context = kind(recipe, net, data, Path(), torch.device("cpu"), Pace())
    step, _ = (steps_of_stage1 if load.stage == "classic 1" else steps_of_stage2)(context)
    number = itertools.count()
    return lambda: step(next(number))


def neutralizer_step(load: Load, way: str) -> Step:
    """Stage 3: one dense layer on latents, always in float32."""
    del way
    network = Neutralizer(PAPER.network.latent)
    adam = torch.optim.Adam(network.parameters(), PAPER.lr_neutralizer)
    source, target = torch.randn(2, load.batch, PAPER.network.latent)

    def step() -> None:
        loss = classic_losses.l_ntr(network(source), network(target), target)
        adam.zero_grad()
        loss.backward()
        adam.step()

    return step


def _pictures(load: Load, memory_format: torch.memory_format) -> Tensor:
    shape = (load.batch, 3, load.size, load.size)
    return (torch.rand(shape) * 2 - 1).to(memory_format=memory_format)


def meter_step(load: Load, way: str) -> Step:
    """The meter's network, loss and optimizer."""
    memory_format, autocast = WAYS[way]
    network = MeterNet().to(memory_format=memory_format)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
    images = _pictures(load, memory_format)
    labels = torch.randn(load.batch, len(QUANTITIES) + BLENDSHAPES)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            found = network.standardised(images)
        loss = meter_loss(found.float(), labels, 0.5)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def photo_step(load: Load, way: str) -> Step:
    """`photo` against its discriminator: rendering, L1 and adversarial loss, both optimizers."""
    memory_format, autocast = WAYS[way]
    network = PhotoNet().to(memory_format=memory_format)  # type: ignore[call-overload]
    critic = PatchDiscriminator().to(memory_format=memory_format)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), 4e-4)
    critic_optimizer = torch.optim.Adam(critic.parameters(), 4e-4)
    image, target = (_pictures(load, memory_format) for _ in range(2))

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            maps = network(image)
        output = render(image, maps)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            scores = critic(output.contiguous(memory_format=memory_format))
        loss = (output - target).abs().mean() + 0.09 * lsgan_generator(scores)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        shown = torch.cat([target, output.detach(), image])
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            judged = critic(shown.contiguous(memory_format=memory_format))
        critic_optimizer.zero_grad()
        lsgan_discriminator(*judged.chunk(3)).backward()
        critic_optimizer.step()

    return step


STEPS: dict[str, Callable[[Load, str], Step]] = {
    "classic 1": classic_step,
    "classic 2": classic_step,
    "classic 3": neutralizer_step,
    "meter": meter_step,
    "photo": photo_step,
}


def measure(load: Load, rounds: int) -> list[dict[str, Any]]:
    """Images a second in every way, medians over rounds in which the ways take turns."""
    torch.manual_seed(0)
    ways = [PLAIN] if load.stage == "classic 3" else list(WAYS)
    steps = {way: STEPS[load.stage](load, way) for way in ways}
    spent: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(rounds + 1):
        for way, step in steps.items():
            start = time.perf_counter()
            step()
            if turn:  # the first one lays out memory
                spent[way].append(time.perf_counter() - start)
    seconds = {way: float(np.median(times)) for way, times in spent.items()}
    return [
        {
            **load._asdict(),
            "way": way,
            "images_per_second": round(load.batch / each, 2),
            "ratio": round(seconds[PLAIN] / each, 2),
        }
        for way, each in seconds.items()
    ]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stages", nargs="+", choices=list(STEPS), default=list(STEPS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the JSON file")
    arguments = parser.parse_args()
    torch.set_num_threads(usable_cores())
    rows = []
    for load in LOADS:
        if load.stage in arguments.stages:
            rows += measure(load, arguments.rounds)
            print(*rows[-3:], sep="\n", flush=True)
    command = f"python -m benchmarks.training --rounds {arguments.rounds}"
    if arguments.stages != list(STEPS):
        command += " --stages " + " ".join(f"'{stage}'" for stage in arguments.stages)
    head = {"command": command, "machine": describe("torch")}
    print(write("training", head | {"rows": rows}, arguments.out))


if __name__ == "__main__":
    main()
