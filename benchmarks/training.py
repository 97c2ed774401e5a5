"""Training steps of every stage in float32 and in bfloat16: `python -m benchmarks.training`.

The steps are the training's own, at the published sizes, batches and weights of the losses, on
random pictures: what a step costs does not depend on them. Making batches is left out: where it is
slow, it runs beside the steps. The precisions take turns, and the fastest step of each counts. With
`--threads 1` it is the processor time of that thread, which work beside it hardly changes.
Prints a table, with what `--compute auto` takes here and why, and writes
docs/performance/training.json; `python -m benchmarks.document` puts it into docs/training.md.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from app.inference.threads import usable_cores
from app.settings import DEFAULT_MODELS_DIR
from benchmarks.document import rates
from benchmarks.machine import RESULTS, describe, write
from model_training.classic.context import ClassicContext
from model_training.classic.latents import LatentPairs
from model_training.classic.networks import ClassicNet, Neutralizer
from model_training.classic.recipe import PAPER
from model_training.classic.stage1 import steps_of_stage1
from model_training.classic.stage2 import steps_of_stage2
from model_training.classic.stage3 import steps_of_sgd
from model_training.meter.config import LabelledSets, MeterTrainingConfig
from model_training.meter.network import BLENDSHAPES, METER_SIZE, QUANTITIES, MeterNet
from model_training.meter.train import steps_of_meter
from model_training.photo.batches import PhotoBatch
from model_training.photo.config import PhotoData, PhotoTrainingConfig
from model_training.photo.expression_loss import ExpressionLoss
from model_training.photo.eyes.batches import EyeBatch
from model_training.photo.eyes.config import EyeData, EyeTrainingConfig
from model_training.photo.eyes.network import PATCH_HEIGHT, PATCH_WIDTH
from model_training.photo.eyes.train import eye_parts, steps_of_eyes
from model_training.photo.light.batches import LightBatch
from model_training.photo.light.config import LightData, LightTrainingConfig
from model_training.photo.light.train import light_parts, steps_of_light
from model_training.photo.lips.batches import LipBatch
from model_training.photo.lips.config import LipData, LipTrainingConfig
from model_training.photo.lips.place import PATCH_HEIGHT as MOUTH_HEIGHT
from model_training.photo.lips.place import PATCH_WIDTH as MOUTH_WIDTH
from model_training.photo.lips.train import lip_parts, steps_of_lips
from model_training.photo.network import CROP_SIZE, MAP_SIZE, MAP_STEP
from model_training.photo.step import PhotoParts, PhotoStep
from model_training.photo.warm_start import load_meter
from model_training.photo.windows import Window
from model_training.portraits.crops import CropCache
from model_training.runs.compute import Compute, Precision, choose
from model_training.runs.config import Pace

Step = Callable[[int], object]


class Load(NamedTuple):
    """A stage's step by its number, and how many images it sees."""

    step: Step
    images: int


def _pictures(*shape: int) -> Tensor:
    return torch.rand(shape) * 2 - 1


def photo(compute: Compute) -> Load:
    """With the meter as a judge, on the published batch."""
    data = PhotoData((), Path())
    config = PhotoTrainingConfig(data, Path(), judged_from=0)
    calm = _pictures(64, 3, CROP_SIZE, CROP_SIZE).to(compute.device)
    meter = load_meter(DEFAULT_MODELS_DIR / "meter" / "meter.onnx").to(compute.device)
    parts = PhotoParts(config, compute)
    step = PhotoStep(config, parts, ExpressionLoss(meter, calm), compute)
    paired, side, maps = data.synthetic + data.smiles, CROP_SIZE, CROP_SIZE // MAP_STEP
    images = paired + data.wild
    batch = PhotoBatch(
        neutral=_pictures(paired, 3, side, side),
        expressive=_pictures(paired, 3, side, side),
        wild=_pictures(data.wild, 3, side, side),
        flow=torch.ones(images, 3, maps, maps),
        opening=torch.zeros(images, 1, maps, maps),
        line=_pictures(images, 1, maps, maps) * CROP_SIZE,
        aside=_pictures(images, 1, maps, maps) * CROP_SIZE,
        lips=_pictures(data.wild, 2, maps, maps) * CROP_SIZE,
    )
    sent = compute.send(batch)
    return Load(lambda index: step(index, Window.middle(), sent), images)


def eyes(compute: Compute) -> Load:
    """After the discriminator has started."""
    data = EyeData(Path())
    config = EyeTrainingConfig(data, Path(), adversarial_from=1)
    shut = data.drawn + data.from_renderer
    paired = shut + data.opened
    count = paired + data.real
    own, other = _pictures(2, count, 3, PATCH_HEIGHT, PATCH_WIDTH)
    label = torch.zeros(count)
    label[:shut] = 1
    batch = EyeBatch(own, other, own[:paired], label, torch.arange(shut), torch.arange(paired))
    sent, parts = compute.send(batch), eye_parts(config, compute)
    step = steps_of_eyes(config, parts, lambda _: sent, compute)
    return Load(lambda index: step(index + 1), count)


def light(compute: Compute) -> Load:
    """On the published batch; moving its faces is not counted."""
    data = LightData((), Path())
    count = data.synthetic + data.smiles + data.unchanged
    config = LightTrainingConfig(data, Path())
    parts = (_pictures(count, channels, MAP_SIZE, MAP_SIZE) for channels in (3, 4, 1, 1, 1))
    sent = compute.send(LightBatch(*parts))
    step = steps_of_light(config, light_parts(config, compute), lambda _: sent, compute)
    return Load(step, count)


def lips(compute: Compute) -> Load:
    """On the published batch, after the critic has started."""
    data = LipData((), Path())
    config = LipTrainingConfig(data, Path(), adversarial_from=1)
    mouths = data.batch, 3, MOUTH_HEIGHT, MOUTH_WIDTH
    line, share = (
        _pictures(data.batch, 1, MOUTH_HEIGHT // MAP_STEP, MOUTH_WIDTH // MAP_STEP)
        for _ in range(2)
    )
    near = torch.ones(data.batch, 1, MOUTH_HEIGHT, MOUTH_WIDTH)
    sent = compute.send(LipBatch(_pictures(*mouths), line, share, _pictures(*mouths), near))
    step = steps_of_lips(config, lip_parts(config, compute), lambda _: sent, compute)
    return Load(lambda index: step(index + 1), data.batch)


def meter(compute: Compute) -> Load:
    """On the published batch."""
    config = MeterTrainingConfig(LabelledSets(), Path(), Path())
    size = config.batch_size
    labels = torch.randn(size, len(QUANTITIES) + BLENDSHAPES)
    batch = _pictures(size, 3, METER_SIZE, METER_SIZE), labels
    network = MeterNet(config.network)
    compute.place(network)
    return Load(steps_of_meter(config, network, lambda _: batch, compute)[0], size)


def classic(stage: int) -> Callable[[Compute], Load]:
    """Stage 1 or 2 as published."""

    def load(compute: Compute) -> Load:
        size, side = PAPER.batch_size, PAPER.network.image_size
        crops = np.random.default_rng(0).integers(0, 256, (size, side, side, 3), np.uint8)
        keys = tuple(str(row) for row in range(size))
        data = CropCache(crops, keys, keys, np.zeros(size, bool))
        net = ClassicNet(PAPER.network)
        compute.place(net)
        context = ClassicContext(PAPER, net, data, Path(), compute, Pace())
        step, _ = (steps_of_stage1 if stage == 1 else steps_of_stage2)(context)
        return Load(step, size)

    return load


def neutralizer(compute: Compute) -> Load:
    """Stage 3 by SGD: one dense layer on latents, always in float32."""
    size, latent = PAPER.batch_size, PAPER.network.latent
    latents = np.random.default_rng(0).standard_normal((2, size, latent), np.float32)
    pairs = LatentPairs(latents[0], latents[1], ("",) * size, np.zeros(size, bool))
    network = Neutralizer(latent).to(compute.device)
    return Load(steps_of_sgd(pairs, PAPER, network, compute)[0], size)


STAGES: dict[str, Callable[[Compute], Load]] = {
    "photo": photo,
    "eyes": eyes,
    "light": light,
    "lips": lips,
    "meter": meter,
    "classic, stage 1": classic(1),
    "classic, stage 2": classic(2),
    "classic, stage 3": neutralizer,
}
FLOAT32_ALONE = frozenset({"classic, stage 3"})


def measure(stage: str, auto: Compute, rounds: int) -> dict[str, Any]:
    """Images a second in both precisions, at their fastest in rounds in which they take turns."""
    alone = auto.device.type == "cpu" and torch.get_num_threads() == 1
    clock = time.thread_time if alone else time.perf_counter
    both: tuple[Precision, ...] = ("float32", "bfloat16")
    ways = both[:1] if stage in FLOAT32_ALONE else both
    torch.manual_seed(0)
    loads = {way: STAGES[stage](replace(auto, precision=way)) for way in ways}
    spent: dict[Precision, list[float]] = {way: [] for way in ways}
    for turn, (way, load) in itertools.product(range(rounds), loads.items()):
        start = clock()
        load.step(turn)
        if auto.device.type == "cuda":
            torch.cuda.synchronize(auto.device)
        spent[way].append(clock() - start)
    # Other work on the machine only adds to a time.
    found: dict[str, float] = {
        way: round(loads[way].images / min(times), 1) for way, times in spent.items()
    }
    auto_takes = "float32" if stage in FLOAT32_ALONE else auto.precision
    return {"stage": stage, "images": loads["float32"].images, **found, "auto": auto_takes}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stages", nargs="+", choices=list(STAGES), default=list(STAGES))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--note", default="", help="what else the machine was doing")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the JSON file")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    auto = choose(arguments.device)
    rows = []
    for stage in arguments.stages:
        rows.append(measure(stage, auto, arguments.rounds))
        print(rows[-1], file=sys.stderr, flush=True)
    command = f"python -m benchmarks.training --rounds {arguments.rounds}"
    if arguments.threads != usable_cores():
        command += f" --threads {arguments.threads}"
    if arguments.stages != list(STAGES):
        command += " --stages " + " ".join(f"'{stage}'" for stage in arguments.stages)
    head = {"command": command, "machine": describe("torch"), "note": arguments.note}
    result = head | {"auto": str(auto), "rows": rows}
    print(rates(result))
    print(write("training", result, arguments.out))


if __name__ == "__main__":
    main()
