"""Training of the network that paints lips, top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model_training.photo.adversarial import AdversarialParts, grown
from model_training.photo.config import PatchNetConfig
from model_training.photo.critic import PatchDiscriminator
from model_training.photo.lips.batches import LipBatch, LipBatches
from model_training.photo.lips.config import LipTrainingConfig
from model_training.photo.lips.network import LipPainter, relit
from model_training.photo.patch_net import evened
from model_training.photo.pictures import gradient_l1, weighted_l1
from model_training.photo.sheets import strips
from model_training.runs.ahead import Ahead
from model_training.runs.averages import load_average
from model_training.runs.compute import ON_CPU, Compute
from model_training.runs.loop import Stage, StepFunction, run_stage
from model_training.runs.schedules import WarmCosine

SETTINGS = (
    *("steps", "learning_rate", "critic_rate", "adversarial", "adversarial_from"),
    *("near", "edges", "even", "seed", "network"),
)
MIXED = ("batch", "portraits", "untouched")
"""Options, and those of the data, that change the weights: a run does not go on with others."""

LipParts = AdversarialParts[LipPainter]


def lip_parts(config: LipTrainingConfig, compute: Compute) -> LipParts:
    """What a run trains."""
    # Four stages: a score sees 78 px, most of a mouth.
    network, critic = LipPainter(config.network), PatchDiscriminator(stages=4)
    return AdversarialParts(network, critic, config.learning_rate, config.critic_rate, compute)


def rebuild_loss(
    batch: LipBatch, stops: Tensor, output: Tensor, config: LipTrainingConfig
) -> Tensor:
    """Error against the mouths as they were, most on the lips, and the light's unevenness."""
    rebuilt = weighted_l1(output, batch.target, 1 + config.near * batch.near)
    edges = gradient_l1(output, batch.target)
    return rebuilt + config.edges * edges + config.even * gradient_l1(stops, stops * 0)


def doubts(better: Tensor, worse: Tensor) -> Tensor:
    """How little the scores say that each of the first is better than its fellow of the second.

    One mouth's lips differ less from what is painted over them than from another's lips. Asked for
    1 and 0 (LSGAN), the critic learns next to nothing; asked which of two pictures of one mouth is
    the photograph, it soon tells. The relativistic loss, in pairs:
    Jolicoeur-Martineau, The relativistic discriminator, ICLR 2019.
    """
    return F.softplus(worse.float() - better.float()).mean()


def judged(mouths: Tensor) -> Tensor:
    """Mouths as the critic sees them: light and skin are alike."""
    mean, spread = evened(mouths)
    return (mouths - mean) / (2 * spread)


def load_lip_painter(checkpoint: Path) -> LipPainter:
    """The averaged network of a training checkpoint, in evaluation mode."""
    return load_average(checkpoint, lambda sizes: LipPainter(PatchNetConfig(**sizes)))


def steps_of_lips(
    config: LipTrainingConfig,
    parts: LipParts,
    take: Callable[[int], LipBatch],
    compute: Compute = ON_CPU,
) -> StepFunction:
    """Train `parts` on the batches that `take` gives for step 0, 1, ..."""
    rate = WarmCosine(config.learning_rate, config.steps, warm_up=100, floor=0.02)

    def step(index: int) -> dict[str, Tensor | float]:
        rate.set(parts.optimizer, index)
        batch = compute.send(take(index))
        shown = batch.shown.contiguous(memory_format=torch.channels_last)
        with compute.autocast():
            stops = parts.network(shown, batch.line, batch.share)
        output = relit(batch.shown, stops)
        rebuilt = rebuild_loss(batch, stops, output, config)
        values: dict[str, Tensor | float] = {
            "rebuild": rebuilt.detach(),
            "stops": stops.detach().abs().mean(),
        }
        if index < config.adversarial_from:
            parts.learn(rebuilt)
            return values
        real, seen = judged(batch.target), judged(output)
        with compute.autocast():
            of_real = parts.critic(real)
            of_output = parts.opinion_of(seen)
        doubt = doubts(of_output, of_real.detach())
        weight = config.adversarial * grown(index, config.adversarial_from)
        parts.learn(rebuilt + weight * doubt)
        with compute.autocast():
            of_output = parts.critic(seen.detach())
        parts.learn_to_judge(doubts(of_real, of_output))
        found = (of_real > of_output).float().mean()
        return values | {"doubts": doubt.detach(), "found": found}

    return step


def train_lips(config: LipTrainingConfig, compute: Compute = ON_CPU) -> Path:
    """Train, or go on with a training that was interrupted.

    Args:
        config: the run.
        compute: device and precision.

    Returns:
        The checkpoint, `OUT/lips.pt`.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    parts, batches = lip_parts(config, compute), LipBatches(config.data)
    shown = compute.send(batches.draw(np.random.default_rng(config.seed + 1)))

    def after_epoch(epoch: int) -> dict[str, float]:
        done = min(epoch * config.sheet_every, config.steps)
        with torch.no_grad():
            output = relit(shown.shown, parts.average(shown.shown, shown.line, shown.share))
        file = config.out / "sheets" / f"{done:06d}.png"
        strips([shown.shown, output, shown.target], file, across=4)
        return {"shown_error": float((output - shown.target).abs().mean())}

    settings = {
        **{name: getattr(config, name) for name in SETTINGS},
        **{name: getattr(config.data, name) for name in MIXED},
        "mouths": len(batches),
    }
    stage = Stage("lips", config.out, settings, config.steps, config.sheet_every, config.data.batch)
    with closing(Ahead(lambda rng: compute.pinned(batches.draw(rng)), config.seed)) as ahead:
        step = steps_of_lips(config, parts, ahead.take, compute)
        run_stage(stage, parts.by_name(), step, after_epoch, config.pace)
    return stage.checkpoint
