"""Training of the network that opens eyes, top to bottom."""

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
from model_training.photo.eyes.batches import EyeBatch, EyeBatches
from model_training.photo.eyes.config import EyeTrainingConfig
from model_training.photo.eyes.losses import changed_weights, lsgan_discriminator, lsgan_generator
from model_training.photo.eyes.network import EyeOpener, OpenedEyes
from model_training.photo.pictures import gradient_l1, weighted_l1
from model_training.photo.sheets import strips
from model_training.runs.ahead import Ahead
from model_training.runs.averages import load_average
from model_training.runs.compute import ON_CPU, Compute
from model_training.runs.loop import Stage, StepFunction, run_stage
from model_training.runs.schedules import WarmCosine

SETTINGS = (
    *("steps", "learning_rate", "critic_rate", "adversarial", "adversarial_from", "seed"),
    *("paint", "cover", "gate", "network"),
)
MIXED = ("drawn", "from_renderer", "opened", "real", "wink")
"""Options, and those of the data, that change the weights: a run does not go on with others."""


def laid_over(own: Tensor, eyes: OpenedEyes) -> Tensor:
    """The patch with the open eye painted over it, [N, 3, 72, 96] (not clamped)."""
    return eyes.cover * eyes.paint + (1 - eyes.cover) * own


def gate_loss(logit: Tensor, label: Tensor) -> Tensor:
    """Cross-entropy of `label` [N]; 0.5 is not judged."""
    judged = (label != 0.5).float()
    each = F.binary_cross_entropy_with_logits(logit, label, reduction="none")
    return (each * judged).sum() / judged.sum().clamp_min(1)


def rebuild_loss(
    batch: EyeBatch, eyes: OpenedEyes, output: Tensor, config: EyeTrainingConfig
) -> Tensor:
    """Error of `output` [N, 3, 72, 96] against the open eye, most where lids were drawn over it."""
    paired = len(batch.target)
    own, target, output = batch.own[:paired], batch.target, output[:paired]
    changed = changed_weights(target, own)
    loss = weighted_l1(output, target, 1 + 6 * changed) + 2 * gradient_l1(output, target)
    return (
        loss
        + config.paint * weighted_l1(eyes.paint[:paired], target, 6 * changed)
        + config.cover * eyes.cover.mean()
    )


def load_eye_opener(checkpoint: Path) -> EyeOpener:
    """The averaged network of a training checkpoint, in evaluation mode."""
    return load_average(checkpoint, lambda sizes: EyeOpener(PatchNetConfig(**sizes)))


def eye_parts(config: EyeTrainingConfig, compute: Compute) -> AdversarialParts[EyeOpener]:
    """What a run trains."""
    # Four stages: a score sees 78 px, most of an eye.
    network, critic = EyeOpener(config.network), PatchDiscriminator(stages=4)
    return AdversarialParts(network, critic, config.learning_rate, config.critic_rate, compute)


def steps_of_eyes(
    config: EyeTrainingConfig,
    parts: AdversarialParts[EyeOpener],
    take: Callable[[int], EyeBatch],
    compute: Compute = ON_CPU,
) -> StepFunction:
    """Train `eye_parts` on the batches that `take` gives for step 0, 1, ..."""
    rate = WarmCosine(config.learning_rate, config.steps, warm_up=100, floor=0.02)

    def step(index: int) -> dict[str, Tensor | float]:
        rate.set(parts.optimizer, index)
        batch = compute.send(take(index))
        own = batch.own.contiguous(memory_format=torch.channels_last)
        adversarial = index >= config.adversarial_from
        with compute.autocast():
            eyes = parts.network(own, batch.other)
        gate = gate_loss(eyes.shut, batch.label)
        output = laid_over(own, eyes)
        rebuilt = rebuild_loss(batch, eyes, output, config)
        loss = rebuilt + config.gate * gate
        values: dict[str, Tensor | float] = {
            "rebuild": rebuilt.detach(),
            "gate": gate.detach(),
            "cover": eyes.cover.detach().mean(),
        }
        # Real shut eyes are for the gate alone. Judged without a target, the few there are were
        # learnt by heart, and others' eyes got white sparkles.
        judged = output[batch.shut]
        if adversarial:
            with compute.autocast():
                scores = parts.opinion_of(judged)
            weight = config.adversarial * grown(index, config.adversarial_from)
            loss = loss + weight * lsgan_generator(scores)
        parts.learn(loss)
        if adversarial:
            shown = [batch.target[batch.sure], judged.detach(), own[batch.shut]]
            with compute.autocast():
                scores = parts.critic(torch.cat(shown))
            open_eyes, painted, shut = scores.split([len(part) for part in shown])
            parts.learn_to_judge(lsgan_discriminator(open_eyes, painted, shut))
            values["D(real)"] = open_eyes.detach().float().mean()
            values["D(output)"] = painted.detach().float().mean()
        return values

    return step


def train_eyes(config: EyeTrainingConfig, compute: Compute = ON_CPU) -> Path:
    """Train, or go on with a training that was interrupted.

    Args:
        config: the run.
        compute: device and precision.

    Returns:
        The checkpoint, `OUT/eyes.pt`.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    parts, batches = eye_parts(config, compute), EyeBatches(config.data)
    shown = compute.send(batches.draw(np.random.default_rng(config.seed + 1)))

    def after_epoch(epoch: int) -> dict[str, float]:
        done = min(epoch * config.sheet_every, config.steps)
        with torch.no_grad():
            eyes = parts.average(shown.own, shown.other)
            cover = eyes.cover.expand(-1, 3, -1, -1) * 2 - 1
            output = laid_over(shown.own, eyes)
            file = config.out / "sheets" / f"{done:06d}.png"
            strips([shown.own, output, cover], file, across=6)
        paired = len(shown.target)
        judged = shown.label != 0.5
        right = ((eyes.shut > 0) == (shown.label > 0.5))[judged].float().mean()
        error = (output[:paired] - shown.target).abs().mean()
        return {"shown_error": float(error), "shown_gate": float(right)}

    settings = {
        **{name: getattr(config, name) for name in SETTINGS},
        **{name: getattr(config.data, name) for name in MIXED},
        "eyes": len(batches.open),
        "rendered": 0 if batches.rendered is None else len(batches.rendered),
    }
    stage = Stage("eyes", config.out, settings, config.steps, config.sheet_every, len(shown.own))
    with closing(Ahead(lambda rng: compute.pinned(batches.draw(rng)), config.seed)) as ahead:
        step = steps_of_eyes(config, parts, ahead.take, compute)
        run_stage(stage, parts.by_name(), step, after_epoch, config.pace)
    return stage.checkpoint
