"""Training of the meter: distil MediaPipe's labels into a small network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from model_training.meter.agreement import correlations
from model_training.meter.config import MeterTrainingConfig
from model_training.meter.data import MeterBatches, MeterSet, load_meter_set, plain_batch
from model_training.meter.network import QUANTITIES, MeterNet
from model_training.runs.compute import ON_CPU, Compute
from model_training.runs.distributed import ALONE, Workers
from model_training.runs.loop import Stage, Steps, run_stage
from model_training.runs.schedules import WarmCosine

SETTINGS = ("network", "steps", "batch_size", "learning_rate", "blendshape_weight", "seed")
"""Options that change the weights: a run is refused to go on with others."""


def learning_rate(config: MeterTrainingConfig) -> WarmCosine:
    """Warm-up over 200 steps (a tenth of a short run), then a fall to 1 % of the height."""
    warm_up = max(1, min(200, config.steps // 10))
    return WarmCosine(config.learning_rate, config.steps, warm_up, floor=0.01)


def meter_loss(found: Tensor, wanted: Tensor, blendshape_weight: float) -> Tensor:
    """Huber loss over standardised outputs [B, 55]; labels of odd faces are sometimes wrong."""
    each = F.smooth_l1_loss(found, wanted, reduction="none", beta=0.5).mean(0)
    count = len(QUANTITIES)
    return each[:count].mean() + blendshape_weight * each[count:].mean()


@torch.no_grad()
def read_all(
    network: MeterNet, data: MeterSet, rows: NDArray[np.int64], batch_size: int = 128
) -> NDArray[np.float32]:
    """The meter's outputs on unchanged crops, float32 [len(rows), 55]; it may be on any device."""
    training, device = network.training, network.mean.device
    network.eval()
    found = [
        torch.cat(network(plain_batch(data, rows[start : start + batch_size]).to(device)), 1)
        for start in range(0, len(rows), batch_size)
    ]
    network.train(training)
    return torch.cat(found).cpu().numpy()


def steps_of_meter(
    config: MeterTrainingConfig,
    network: MeterNet,
    take: Callable[[int], tuple[Tensor, Tensor]],
    compute: Compute = ON_CPU,
    workers: Workers = ALONE,
) -> Steps:
    """Train `network`, which is on the device, on Huber loss over standardised labels.

    `take` gives the batch of step 0, 1, ..., see `MeterBatches.batch`.
    """
    optimizer = torch.optim.AdamW(network.parameters(), config.learning_rate, weight_decay=1e-2)
    # `MeterNet.standardised`, in one piece that workers can share.
    rate = learning_rate(config)
    standardised = workers.parallel(nn.Sequential(network.features, network.hidden, network.output))

    def step(index: int) -> dict[str, Tensor | float]:
        images, labels = compute.send(compute.pinned(take(index)))
        lr = rate.set(optimizer, index)
        with compute.autocast():
            found = standardised(images.contiguous(memory_format=torch.channels_last))
        loss = meter_loss(
            found.float(), (labels - network.mean) / network.scale, config.blendshape_weight
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return {"loss": loss.detach(), "lr": lr}

    return step, {"optimizer": optimizer}


def train_meter(
    config: MeterTrainingConfig, compute: Compute = ON_CPU, workers: Workers = ALONE
) -> Path:
    """Train, or go on with a training that was interrupted.

    Args:
        config: the run.
        compute: device and precision.
        workers: the processes that train together.

    Returns:
        The checkpoint, `OUT/meter.pt`: its entry `network` holds the weights to export.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    with workers.main_first():
        data = load_meter_set(config.folders, config.landmarks, config.out / "crops")
    held_out = np.flatnonzero(data.validation)
    network = MeterNet(config.network)
    network.set_scale(torch.from_numpy(data.labels[~data.validation]))
    compute.place(network)
    batches = MeterBatches(data, config.batch_size, config.seed, workers)
    step, optimizers = steps_of_meter(config, network, batches.batch, compute, workers)
    per_epoch = max(1, int((~data.validation).sum()) // config.batch_size)

    def after_epoch(epoch: int) -> dict[str, float]:
        del epoch
        if not len(held_out):
            return {}
        found = correlations(read_all(network, data, held_out), data.labels[held_out])
        return {f"r_{name}": numbers["correlation"] for name, numbers in found.items()}

    settings = {
        **{name: getattr(config, name) for name in SETTINGS},
        "sets": sorted(config.folders),
        "names": data.names,
    }
    stage = Stage("meter", config.out, settings, config.steps, per_epoch, config.batch_size)
    parts = {"network": network, **optimizers}
    run_stage(stage, parts, step, after_epoch, config.pace, workers)
    return stage.checkpoint
