"""Training of the network that opens eyes, top to bottom."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_training.photo.critic import PatchDiscriminator
from model_training.photo.eyes.batches import EyeBatch, EyeBatches
from model_training.photo.eyes.config import EyeOpenerConfig, EyeTraining
from model_training.photo.eyes.network import EyeOpener, OpenedEyes
from model_training.photo.losses import (
    changed_weights,
    gradient_l1,
    lsgan_discriminator,
    lsgan_generator,
    weighted_l1,
)
from model_training.photo.sheets import strips
from model_training.photo.step import update_average
from model_training.runs.ahead import Ahead
from model_training.runs.checkpoint import load_checkpoint
from model_training.runs.compute import ON_CPU, Compute
from model_training.runs.loop import Stage, Steps, run_stage


def learning_rate_at(step: int, config: EyeTraining) -> float:
    """Warm-up over 100 steps, then half a cosine to 2 % of the height."""
    fall = 0.5 * (1 + np.cos(np.pi * min(1.0, step / config.steps)))
    return float(config.learning_rate * min(1.0, (step + 1) / 100) * (0.02 + 0.98 * fall))


def laid_over(own: Tensor, eyes: OpenedEyes) -> Tensor:
    """The patch with the open eye painted over it, [N, 3, 72, 96] (not clamped)."""
    return eyes.cover * eyes.paint + (1 - eyes.cover) * own


def gate_loss(logit: Tensor, label: Tensor) -> Tensor:
    """Cross-entropy of `label` [N]; 0.5 is not judged."""
    judged = (label != 0.5).float()
    each = F.binary_cross_entropy_with_logits(logit, label, reduction="none")
    return (each * judged).sum() / judged.sum().clamp_min(1)


def rebuild_loss(batch: EyeBatch, eyes: OpenedEyes, output: Tensor, config: EyeTraining) -> Tensor:
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
    saved = load_checkpoint(checkpoint)
    sizes = saved["settings"]["network"]
    network = EyeOpener(EyeOpenerConfig(**{**sizes, "widths": tuple(sizes["widths"])}))
    prefix = "average."
    weights = saved["network"].items()
    network.load_state_dict(
        {name[len(prefix) :]: value for name, value in weights if name.startswith(prefix)}
    )
    return network.eval()


def eye_networks(config: EyeTraining, compute: Compute) -> nn.ModuleDict:
    """`network`, `critic` and `average`, on the device."""
    network = EyeOpener(config.network)
    # Four stages: a score sees 78 px, most of an eye.
    critic = PatchDiscriminator(stages=4)
    parts = {"network": network, "critic": critic, "average": copy.deepcopy(network).eval()}
    joint = nn.ModuleDict(parts)
    compute.place(joint)
    return joint


def steps_of_eyes(
    config: EyeTraining,
    networks: nn.ModuleDict,
    take: Callable[[int], EyeBatch],
    compute: Compute = ON_CPU,
) -> Steps:
    """Train `eye_networks` on the batches that `take` gives for step 0, 1, ..."""
    network, critic, average = (networks[name] for name in ("network", "critic", "average"))
    optimizer = torch.optim.AdamW(
        network.parameters(), config.learning_rate, betas=(0.5, 0.99), weight_decay=1e-4
    )
    critic_optimizer = torch.optim.Adam(critic.parameters(), config.critic_rate, betas=(0.5, 0.99))

    def step(index: int) -> dict[str, Tensor | float]:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(index, config)
        batch = compute.send(take(index))
        own = batch.own.contiguous(memory_format=torch.channels_last)
        adversarial = index >= config.adversarial_from
        with compute.autocast():
            eyes = network(own, batch.other)
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
                scores = critic(judged)
            ramp = min(1.0, (index - config.adversarial_from) / config.adversarial_from)
            loss = loss + config.adversarial * ramp * lsgan_generator(scores)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        if adversarial:
            parts = [batch.target[batch.sure], judged.detach(), own[batch.shut]]
            with compute.autocast():
                scores = critic(torch.cat(parts))
            true, made, closed = scores.split([len(part) for part in parts])
            critic_loss = lsgan_discriminator(true, made, closed)
            critic_optimizer.zero_grad(set_to_none=True)
            critic_loss.backward()
            critic_optimizer.step()
            values |= {
                "D(real)": true.detach().float().mean(),
                "D(output)": made.detach().float().mean(),
            }
        update_average(average, network, index)
        return values

    return step, {"optimizer": optimizer, "critic_optimizer": critic_optimizer}


def train_eyes(config: EyeTraining, compute: Compute = ON_CPU) -> Path:
    """Train, or go on with a training that was interrupted.

    Args:
        config: the run.
        compute: device and precision.

    Returns:
        The checkpoint, `OUT/eyes.pt`.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    joint = eye_networks(config, compute)
    batches = EyeBatches(config.data)
    shown = compute.send(batches.draw(np.random.default_rng(config.seed + 1)))
    ahead = Ahead(lambda rng: compute.pinned(batches.draw(rng)), config.seed)
    step, optimizers = steps_of_eyes(config, joint, ahead.take, compute)

    def after_epoch(epoch: int) -> dict[str, float]:
        file = config.out / "sheets" / f"{epoch * config.sheet_every:06d}.png"
        with torch.no_grad():
            eyes = joint["average"](shown.own, shown.other)
            cover = eyes.cover.expand(-1, 3, -1, -1) * 2 - 1
            output = laid_over(shown.own, eyes)
            strips([shown.own, output, cover], file, across=6)
        paired = len(shown.target)
        judged = shown.label != 0.5
        right = ((eyes.shut > 0) == (shown.label > 0.5))[judged].float().mean()
        error = (output[:paired] - shown.target).abs().mean()
        return {"shown_error": float(error), "shown_gate": float(right)}

    data = config.data
    # Whatever changes the weights: a run is refused to go on with other settings.
    kept = ("steps", "learning_rate", "critic_rate", "adversarial", "adversarial_from", "seed")
    kept += ("paint", "cover", "gate")
    mixed = ("drawn", "from_renderer", "opened", "real", "wink")
    settings: dict[str, Any] = {
        "network": {**asdict(config.network), "widths": list(config.network.widths)},
        **{name: getattr(config, name) for name in kept},
        **{name: getattr(data, name) for name in mixed},
        "eyes": len(batches.open),
        "rendered": 0 if batches.rendered is None else len(batches.rendered),
    }
    size = len(shown.own)
    stage = Stage("eyes", config.out, settings, config.steps, config.sheet_every, size)
    run_stage(stage, joint, optimizers, step, after_epoch, config.pace)
    ahead.close()
    return stage.checkpoint
