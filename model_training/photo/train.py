"""Training of `photo`: from its checkpoint or from exported weights, step by step, to the end."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model_training.photo.batches import PhotoBatch, PhotoBatches, photo_steps
from model_training.photo.config import PhotoTrainingConfig
from model_training.photo.judges import expression_judge
from model_training.photo.sheets import photo_sheet
from model_training.photo.step import PhotoParts, PhotoStep
from model_training.photo.warm_start import load_photo_network
from model_training.photo.windows import Window
from model_training.runs.ahead import Ahead
from model_training.runs.compute import ON_CPU, Compute
from model_training.runs.config import Pace
from model_training.runs.distributed import ALONE, Workers
from model_training.runs.exported import settle_norms
from model_training.runs.loop import Stage, run_stage
from model_training.runs.manifest import sha256_of

SETTLING_BATCHES = 12
"""From which the batch norms of loaded weights take their statistics."""
SETTINGS = (
    *("steps", "learning_rate", "judged_from", "judged_ramp"),
    *("weights", "network", "seed"),
)
MIXED = ("synthetic", "smiles", "unchanged", "wild", "misaligned")
"""Options, and those of the data, that change the weights: a run does not go on with others."""


def train_photo(
    config: PhotoTrainingConfig, compute: Compute = ON_CPU, workers: Workers = ALONE
) -> Path:
    """Train, or go on with a training that was interrupted.

    Args:
        config: the run.
        compute: device and precision.
        workers: the processes that share each batch; the main one logs and saves.

    Returns:
        The checkpoint, `OUT/photo.pt`: its entry `average` holds the weights to export.

    Raises:
        CheckpointError: the run was begun with other settings.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    parts, batches = PhotoParts(config, compute), PhotoBatches(config.data)
    stage = photo_stage(config, batches)
    if config.start_from is not None and not stage.checkpoint.exists():
        _start_from(config.start_from, parts, batches, config.seed, compute)
    expression = expression_judge(config.meter, batches, compute.device)
    do_step = PhotoStep(config, parts, expression, compute, workers)
    make = photo_steps(batches, workers)

    def pinned(rng: np.random.Generator) -> tuple[Window, PhotoBatch]:
        window, batch = make(rng)
        return window, compute.pinned(batch)

    def after_epoch(epoch: int) -> dict[str, float]:
        done = min(epoch * config.sheet_every, config.steps)
        panel = batches.panel().to(compute.device)
        photo_sheet(parts.average, panel, config.out / "sheets" / f"{done:06d}.png")
        return {}

    pace = Pace(config.log_every, config.steps, tensorboard=False, seconds=config.save_every)
    with closing(Ahead(pinned, config.seed)) as ahead:

        def step(index: int) -> Mapping[str, Tensor | float]:
            window, batch = ahead.take(index)
            return do_step(index, window, compute.send(batch))

        run_stage(stage, parts.by_name(), step, after_epoch, pace, workers)
    return stage.checkpoint


def photo_stage(config: PhotoTrainingConfig, batches: PhotoBatches) -> Stage:
    """Name, length and settings of a run; an epoch lasts from one sheet to the next."""
    settings = {
        **{name: getattr(config, name) for name in SETTINGS},
        **{name: getattr(config.data, name) for name in MIXED},
        "pairs": [len(store) for store in batches.synthetic],
        "meter": None if config.meter is None else sha256_of(config.meter),
    }
    sizes = config.steps, config.sheet_every, batches.images
    return Stage("photo", config.out, settings, *sizes)


def _start_from(
    file: Path,
    parts: PhotoParts,
    batches: PhotoBatches,
    seed: int,
    compute: Compute,
) -> None:
    """Exported weights into the network and its average, batch norms settled on some batches."""
    load_photo_network(parts.network, file)
    rng = np.random.default_rng(seed)
    seen = (batches.draw(rng).expressive.to(compute.device) for _ in range(SETTLING_BATCHES))
    settle_norms(parts.network, (Window.middle().cut(images) for images in seen))
    parts.average.module.load_state_dict(parts.network.state_dict())
