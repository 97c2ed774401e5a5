"""Training of the network for light, top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model_training.photo.config import PatchNetConfig
from model_training.photo.light.batches import LightBatch, LightBatches, shaded
from model_training.photo.light.config import LightTrainingConfig
from model_training.photo.light.network import LightNet
from model_training.photo.losses import total_variation
from model_training.photo.network import PhotoNet
from model_training.photo.sheets import strips
from model_training.photo.warm_start import load_photo_network
from model_training.runs.ahead import Ahead
from model_training.runs.averages import AveragedParts, load_average
from model_training.runs.compute import ON_CPU, Compute
from model_training.runs.loop import Stage, StepFunction, run_stage
from model_training.runs.manifest import sha256_of
from model_training.runs.schedules import WarmCosine

SETTINGS = ("steps", "learning_rate", "even", "beside", "seed", "network")
MIXED = ("synthetic", "smiles", "unchanged", "deepest", "lent")
"""Options, and those of the data, that change the weights: a run does not go on with others."""
_SQUARED = 0.25
"""Stops up to which an error counts squared: what minimises a square is the mean of all that a face
leaves open, and of an absolute error the median, which is to leave a fold where it is."""
_BESIDE = 2
"""Values of the maps around what is known beyond which nothing is to be lit."""

LightParts = AveragedParts[LightNet]


def light_parts(config: LightTrainingConfig, compute: Compute) -> LightParts:
    """What a run trains."""
    return AveragedParts(LightNet(config.network), config.learning_rate, compute)


def light_loss(batch: LightBatch, stops: Tensor, config: LightTrainingConfig) -> Tensor:
    """Error of the light in stops, its unevenness, and light beside the face, a glow on walls."""
    off = F.smooth_l1_loss(stops, batch.stops, reduction="none", beta=_SQUARED)
    beside = F.max_pool2d(batch.trust, 2 * _BESIDE + 1, 1, _BESIDE) == 0
    return (
        (off * batch.trust).mean()
        + config.even * total_variation(stops)
        + config.beside * (stops.abs() * beside).mean()
    )


def unexplained(batch: LightBatch, stops: Tensor) -> Tensor:
    """Share of the wanted light's variance that is left, 1 for no light at all."""
    left = ((batch.stops - stops).square() * batch.trust).sum()
    return left / (batch.stops.square() * batch.trust).sum().clamp_min(1e-6)


def load_light_net(checkpoint: Path) -> LightNet:
    """The averaged network of a training checkpoint, in evaluation mode."""
    return load_average(checkpoint, lambda sizes: LightNet(PatchNetConfig(**sizes)))


def steps_of_light(
    config: LightTrainingConfig,
    parts: LightParts,
    take: Callable[[int], LightBatch],
    compute: Compute = ON_CPU,
) -> StepFunction:
    """Train `parts` on the batches that `take` gives for step 0, 1, ..."""
    rate = WarmCosine(config.learning_rate, config.steps, warm_up=100, floor=0.02)

    def step(index: int) -> dict[str, Tensor | float]:
        rate.set(parts.optimizer, index)
        batch = compute.send(take(index))
        with compute.autocast():
            stops = parts.network(batch.face, batch.motion, batch.line)
        loss = light_loss(batch, stops, config)
        parts.learn(loss)
        return {"light": loss.detach(), "unexplained": unexplained(batch, stops.detach())}

    return step


def train_light(config: LightTrainingConfig, compute: Compute = ON_CPU) -> Path:
    """Train, or go on with a training that was interrupted.

    Args:
        config: the run.
        compute: device and precision.

    Returns:
        The checkpoint, `OUT/light.pt`.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    motion = PhotoNet()
    load_photo_network(motion, config.motion)
    parts, batches = light_parts(config, compute), LightBatches(config.data, motion)
    shown = compute.send(batches.draw(np.random.default_rng(config.seed + 1)))

    def after_epoch(epoch: int) -> dict[str, float]:
        done = min(epoch * config.sheet_every, config.steps)
        with torch.no_grad():
            stops = parts.average(shown.face, shown.motion, shown.line)
        columns = [shown.face, shaded(shown.face, -stops), shaded(shown.face, -shown.stops)]
        columns += [(2 * part).expand_as(shown.face) for part in (stops, shown.stops)]
        strips(columns, config.out / "sheets" / f"{done:06d}.png", across=2)
        return {"shown_unexplained": float(unexplained(shown, stops))}

    settings = {
        **{name: getattr(config, name) for name in SETTINGS},
        **{name: getattr(config.data, name) for name in MIXED},
        "pairs": [len(store) for store in batches.photo.synthetic],
        "motion": sha256_of(config.motion),
    }
    stage = Stage("light", config.out, settings, config.steps, config.sheet_every, batches.images)
    with closing(Ahead(lambda rng: compute.pinned(batches.draw(rng)), config.seed)) as ahead:
        step = steps_of_light(config, parts, ahead.take, compute)
        run_stage(stage, parts.by_name(), step, after_epoch, config.pace)
    return stage.checkpoint
