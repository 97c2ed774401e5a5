"""Training of `photo`: from its checkpoint or from exported weights, step by step, to the end."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from model_training.photo.batches import PhotoBatches, PhotoShare, Window, photo_steps
from model_training.photo.config import PhotoTraining
from model_training.photo.judges import expression_judge
from model_training.photo.sheets import photo_sheet
from model_training.photo.step import PhotoParts, PhotoStep
from model_training.photo.warm_start import load_photo_network, settle_norms
from model_training.runs.ahead import Ahead
from model_training.runs.checkpoint import (
    capture_rng,
    load_checkpoint,
    restore,
    restore_rng,
    save_checkpoint,
)
from model_training.runs.compute import ON_CPU, Compute
from model_training.runs.distributed import ALONE, Workers
from model_training.runs.log import RunLog

SETTLING_BATCHES = 12
"""From which the batch norms of loaded weights take their statistics."""


def learning_rate_at(step: int, config: PhotoTraining) -> float:
    """Warm-up over 200 steps, then half a cosine down to 3 % of the height."""
    warm = min(1.0, (step + 1) / 200)
    fall = 0.5 * (1 + np.cos(np.pi * min(1.0, step / config.steps)))
    return float(config.learning_rate * warm * (0.03 + 0.97 * fall))


def train_photo(config: PhotoTraining, compute: Compute = ON_CPU, workers: Workers = ALONE) -> Path:
    """Train, or go on with a training that was interrupted.

    Args:
        config: the run.
        compute: device and precision.
        workers: the processes that share each batch; the main one logs and saves.

    Returns:
        The checkpoint, `OUT/photo.pt`: its entry `average` holds the weights to export.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    parts = PhotoParts(config, compute)
    checkpoint = config.out / "photo.pt"
    batches = PhotoBatches(config.data)
    start = 0
    if checkpoint.exists():
        saved = load_checkpoint(checkpoint)
        restore(saved, **parts.by_name())
        restore_rng(saved["rng"])
        start = int(saved["step"])
    elif config.start_from is not None:
        _start_from(config.start_from, parts, batches, config.seed, compute)
    expression = expression_judge(config.meter, batches, compute.device)
    workers.agree_on_start(start)
    do_step = PhotoStep(config, parts, expression, compute, workers)
    log = None
    if workers.main:
        log = RunLog(
            config.out, "photo", config.steps, start_step=start, images_per_step=batches.images
        )

    def save(step: int) -> None:
        save_checkpoint(
            checkpoint,
            **parts.by_name(),
            step=step,
            rng=capture_rng(),
            network_config=asdict(config.network),
        )

    make = photo_steps(batches, workers)

    def pinned(rng: np.random.Generator) -> tuple[Window, PhotoShare]:
        window, share = make(rng)
        return window, compute.pinned(share)

    ahead = Ahead(pinned, config.seed)
    saved_at = time.monotonic()
    for step in range(start, config.steps):
        for group in parts.optimizer.param_groups:
            group["lr"] = learning_rate_at(step, config)
        window, share = ahead.take(step)
        values = do_step(step, window, compute.send(share))
        done = step + 1
        row = {}
        if done % config.log_every == 0:
            row = workers.mean({name: float(value) for name, value in values.items()})
        if log is None:
            continue
        if row:
            log.log(done, **row)
            log.progress(done, row)
        if done % config.sheet_every == 0 or done == config.steps:
            panel = batches.panel().to(compute.device)
            photo_sheet(parts.average, panel, config.out / "sheets" / f"{done:06d}.png")
            log.plot()
        if time.monotonic() - saved_at > config.save_every:
            save(done)
            saved_at = time.monotonic()
    ahead.close()
    if log is not None:
        save(config.steps)
        log.close()
    return checkpoint


def _start_from(
    file: Path, parts: PhotoParts, batches: PhotoBatches, seed: int, compute: Compute
) -> None:
    """Exported weights into the network and its average, batch norms settled on some batches."""
    load_photo_network(parts.network, file)
    rng = np.random.default_rng(seed)
    seen = (batches.draw(rng).expressive.to(compute.device) for _ in range(SETTLING_BATCHES))
    settle_norms(parts.network, (Window.middle().cut(images) for images in seen))
    parts.average.load_state_dict(parts.network.state_dict())
