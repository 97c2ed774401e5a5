"""Training of `photo`, top to bottom: batches, generator step, discriminator step, average."""

from __future__ import annotations

import copy
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch

from model_training.checkpoint import (
    capture_rng,
    load_checkpoint,
    restore,
    restore_rng,
    save_checkpoint,
)
from model_training.data.ahead import Ahead
from model_training.data.photo_batches import PhotoBatches, PhotoData, Window, photo_steps
from model_training.distributed import ALONE, Workers
from model_training.losses.photo import (
    PhotoLossWeights,
    displacement,
    lsgan_discriminator,
    lsgan_generator,
    reconstruction,
    region_weights,
    regularisation,
    surroundings_weights,
    weighted_l1,
)
from model_training.networks.patch_discriminator import PatchDiscriminator
from model_training.networks.photo import PhotoConfig, PhotoMaps, PhotoNet, render, warp
from model_training.networks.warm_start import load_photo_network, settle_norms
from model_training.runlog import RunLog
from model_training.sheets import photo_sheet
from model_training.stages.photo_judges import error_of_pairs, excess_of_wild, expression_judge


@dataclass(frozen=True)
class PhotoTraining:
    """One training run.

    Attributes:
        data: where pairs and crops are.
        out: folder for checkpoints, log and sheets.
        start_from: exported `photo/network.onnx` to go on from; None starts from nothing.
        meter: exported meter for the expression loss; None leaves that loss out.
        steps: generator steps of the whole run (the learning rate ends there).
        learning_rate: AdamW's, at its height.
        discriminator_rate: Adam's; not above the generator's.
        adversarial_from: step at which the judges start: discriminator and meter.
        adversarial_ramp: steps until its weight is full.
        weights: of the loss terms.
        network: sizes.
        seed: of initial weights, batches and augmentation.
        save_every: seconds between checkpoints.
        log_every: steps between rows of the log.
        sheet_every: steps between before/after sheets.
        threads: torch threads.
        compute: `bfloat16` (autocast) or `float32`.
    """

    data: PhotoData
    out: Path
    start_from: Path | None = None
    meter: Path | None = None
    steps: int = 7_000
    learning_rate: float = 4e-4
    discriminator_rate: float = 4e-4
    adversarial_from: int = 1_000
    adversarial_ramp: int = 2_000
    weights: PhotoLossWeights = field(default_factory=PhotoLossWeights)
    network: PhotoConfig = field(default_factory=PhotoConfig)
    seed: int = 0
    save_every: float = 180.0
    log_every: int = 50
    sheet_every: int = 500
    threads: int = 2
    compute: str = "bfloat16"


SETTLING_BATCHES = 12
"""From which the batch norms of loaded weights take their statistics."""
CRITIC_PAIRS = 6
"""Outputs on pairs that the critic sees: real smiles, transplants, and eyes that were closing."""


def learning_rate_at(step: int, config: PhotoTraining) -> float:
    """Warm-up over 200 steps, then half a cosine down to 3 % of the height."""
    warm = min(1.0, (step + 1) / 200)
    fall = 0.5 * (1 + np.cos(np.pi * min(1.0, step / config.steps)))
    return float(config.learning_rate * warm * (0.03 + 0.97 * fall))


@torch.no_grad()
def update_average(average: torch.nn.Module, network: torch.nn.Module, step: int) -> None:
    """Exponential moving average of the weights; young averages forget faster."""
    keep = min(0.999, (step + 1) / (step + 20))
    for mean, current in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(current, 1 - keep)
    for mean, current in zip(average.buffers(), network.buffers(), strict=True):
        mean.copy_(current)


def train_photo(config: PhotoTraining, workers: Workers = ALONE) -> Path:
    """Train, or go on with a training that was interrupted.

    Args:
        config: the run.
        workers: the processes that share each batch; the main one logs and saves.

    Returns:
        The checkpoint, `OUT/photo.pt`: its entry `average` holds the weights to export.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    channels_last = torch.channels_last
    network = PhotoNet(config.network).to(memory_format=channels_last)  # type: ignore[call-overload]
    critic = PatchDiscriminator().to(memory_format=channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(network).eval()
    optimizer = torch.optim.AdamW(
        network.parameters(), config.learning_rate, betas=(0.5, 0.99), weight_decay=1e-4
    )
    critic_optimizer = torch.optim.Adam(
        critic.parameters(), config.discriminator_rate, betas=(0.5, 0.99)
    )
    parts = {
        "network": network,
        "critic": critic,
        "average": average,
        "optimizer": optimizer,
        "critic_optimizer": critic_optimizer,
    }
    checkpoint = config.out / "photo.pt"
    batches = PhotoBatches(config.data)
    start = 0
    if checkpoint.exists():
        saved = load_checkpoint(checkpoint)
        restore(saved, **parts)
        restore_rng(saved["rng"])
        start = int(saved["step"])
    elif config.start_from is not None:
        load_photo_network(network, config.start_from)
        rng = np.random.default_rng(config.seed)
        seen = (batches.draw(rng).expressive for _ in range(SETTLING_BATCHES))
        settle_norms(network, (Window.middle().cut(images) for images in seen))
        average.load_state_dict(network.state_dict())
    expression = expression_judge(config.meter, batches)
    workers.agree_on_start(start)
    learner, judge = workers.parallel(network), workers.parallel(critic)
    judged_pairs = len(range(CRITIC_PAIRS)[workers.rows(CRITIC_PAIRS)])
    log = None
    if workers.main:
        log = RunLog(
            config.out, "photo", config.steps, start_step=start, images_per_step=batches.images
        )
    regions, surroundings = region_weights(), surroundings_weights()
    weights = config.weights
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=config.compute == "bfloat16")

    def save(step: int) -> None:
        save_checkpoint(
            checkpoint,
            **parts,
            step=step,
            rng=capture_rng(),
            network_config=asdict(config.network),
        )

    ahead = Ahead(photo_steps(batches, workers), config.seed)
    saved_at = time.monotonic()
    for step in range(start, config.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(step, config)
        window, batch = ahead.take(step)
        neutral, valid = window.cut(batch.neutral), window.cut(batch.valid)
        wild = window.cut(batch.wild)
        paired = len(neutral)
        adversarial = step >= config.adversarial_from

        # Generator: pairs have a known answer; real expressive photographs have judges.
        inputs = torch.cat([window.cut(batch.expressive), wild])
        inputs = inputs.contiguous(memory_format=channels_last)
        with autocast:
            maps = learner(inputs)
        output = render(inputs, maps)
        warped = warp(inputs[:paired], maps.flow[:paired])
        loss = reconstruction(
            output[:paired], warped, neutral, inputs[:paired], valid, window.cut(regions), weights
        )
        misplaced = displacement(maps.flow[:paired], window.cut(batch.flow), window.cut(regions))
        loss = loss + weights.displacement * misplaced + regularisation(maps, weights)
        loss = loss + weights.surroundings * weighted_l1(
            output[paired:], wild, window.cut(surroundings)
        )
        values = {
            "rebuild": loss.item(),
            "displacement": misplaced.item(),
            "mask": maps.mask.mean().item(),
        }
        if expression is not None:
            with autocast:
                known = PhotoMaps(*(part[:paired] for part in maps))
                misread = error_of_pairs(expression, window, batch, known)
            loss = loss + weights.pair_expression * misread
            values["misread"] = misread.item()
        if expression is not None and adversarial:
            with autocast:
                unknown = PhotoMaps(*(part[paired:] for part in maps))
                excess = excess_of_wild(expression, window, batch, unknown)
            loss = loss + weights.expression * excess
            values["expression"] = excess.item()
        # The last pairs are judged beside the wild ones, so that the critic can't tell by subject.
        judged = output[paired - judged_pairs :]
        if adversarial:
            with autocast:
                scores = critic(judged)
            ramp = min(1.0, (step - config.adversarial_from) / config.adversarial_ramp)
            loss = loss + weights.adversarial * ramp * lsgan_generator(scores)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()

        # Discriminator: real neutral photographs against outputs and real expressive ones.
        if adversarial:
            shown = torch.cat([window.cut(batch.calm), judged.detach(), wild])
            with autocast:
                scores = judge(shown)
            real, fake, loud = scores.split([len(batch.calm), len(judged), len(wild)])
            critic_loss = lsgan_discriminator(real, fake, loud)
            critic_optimizer.zero_grad(set_to_none=True)
            critic_loss.backward()
            critic_optimizer.step()
            values |= {
                "D(real)": real.float().mean().item(),
                "D(output)": fake.float().mean().item(),
            }

        update_average(average, network, step)
        done = step + 1
        if done % config.log_every == 0:
            values = workers.mean(values)
        if log is None:
            continue
        if done % config.log_every == 0:
            log.log(done, **values)
            log.progress(done, values)
        if done % config.sheet_every == 0 or done == config.steps:
            photo_sheet(average, batches.panel(), config.out / "sheets" / f"{done:06d}.png")
            log.plot()
        if time.monotonic() - saved_at > config.save_every:
            save(done)
            saved_at = time.monotonic()
    ahead.close()
    if log is not None:
        save(config.steps)
        log.close()
    return checkpoint
