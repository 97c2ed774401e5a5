"""The loop that every model is trained in: resume, step, average, log, checkpoint, look."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model_training.runs.checkpoint import (
    CheckpointError,
    capture_rng,
    load_checkpoint,
    restore,
    restore_rng,
    save_checkpoint,
)
from model_training.runs.config import Pace
from model_training.runs.distributed import ALONE, Workers
from model_training.runs.log import RunLog

StepFunction = Callable[[int], Mapping[str, Tensor | float]]
"""Does step 0, 1, ... and returns scalars to log."""
Steps = tuple[StepFunction, dict[str, torch.optim.Optimizer]]
"""What a stage does in a step, and the optimizers that do it, by name."""
Parts = Mapping[str, Any]
"""What a stage trains and what trains it: networks and optimizers by their names in the checkpoint.

A part named `average`, a `WeightAverage`, follows the part named `network`."""
EpochFunction = Callable[[int], Mapping[str, float]]
"""Called after epoch 1, 2, ...; returns scalars measured on validation people."""

DRAW_SECONDS = 60.0
"""Curves are drawn at most this often while training, and once at the end."""


@dataclass(frozen=True)
class Stage:
    """One stage of a run.

    Attributes:
        name: of its files: `NAME.pt`, `NAME.csv`, `NAME.png`.
        out: folder of the run.
        settings: what must be the same when it is resumed: whatever changes the weights. Plain
            values, and dataclasses and sequences of them.
        total_steps: steps it has.
        steps_per_epoch: steps of an epoch.
        batch_size: images a step (of all workers together), for the rate.
    """

    name: str
    out: Path
    settings: dict[str, Any]
    total_steps: int
    steps_per_epoch: int
    batch_size: int

    @property
    def checkpoint(self) -> Path:
        """The stage's checkpoint."""
        return self.out / f"{self.name}.pt"


def finished(stage: Stage) -> bool:
    """Has the stage done all of its steps?

    Raises:
        CheckpointError: its checkpoint was made with other settings.
    """
    if not stage.checkpoint.exists():
        return False
    return int(_matching(stage)["step"]) >= stage.total_steps


def run_stage(
    stage: Stage,
    parts: Parts,
    step: StepFunction,
    after_epoch: EpochFunction,
    pace: Pace,
    workers: Workers = ALONE,
) -> None:
    """Run a stage to its end, from its checkpoint if there is one.

    A resumed stage continues exactly: weights, optimizers and all random states are restored, and
    step functions take data by step number.

    Args:
        stage: names, lengths and settings.
        parts: what the checkpoint holds.
        step: does one step.
        after_epoch: measures and draws at the end of an epoch, a last one that is not full
            included; must not draw random numbers.
        pace: how often to log and save.
        workers: the processes that train together; the main one measures, logs and saves.

    Raises:
        CheckpointError: the checkpoint was made with other settings, or not all workers see it.
    """
    start = 0
    if stage.checkpoint.exists():
        loaded = _matching(stage)
        restore(loaded, **parts)
        restore_rng(loaded["rng"])
        start = int(loaded["step"])
    workers.agree_on_start(start)
    with ExitStack() as stack:
        log = stack.enter_context(_open_log(stage, start, pace)) if workers.main else None
        drawn = saved = time.monotonic()
        for index in range(start, stage.total_steps):
            values = step(index)
            if "average" in parts:
                parts["average"].update_parameters(parts["network"])
            done = index + 1
            last = done == stage.total_steps
            ends_epoch = done % stage.steps_per_epoch == 0 or last
            row: dict[str, float] = {}
            if done % pace.log == 0 or ends_epoch:
                row = workers.mean({name: float(value) for name, value in values.items()})
            if log is None:
                continue
            if row:
                log.progress(done, row)
                epoch = math.ceil(done / stage.steps_per_epoch)
                log.log(done, **row, **(after_epoch(epoch) if ends_epoch else {}))
            late = time.monotonic() - saved > pace.seconds
            if done % pace.checkpoint == 0 or last or late:
                save_checkpoint(
                    stage.checkpoint,
                    **parts,
                    step=done,
                    rng=capture_rng(),
                    settings=plain(stage.settings),
                )
                saved = time.monotonic()
                if saved - drawn > DRAW_SECONDS:
                    log.plot()
                    drawn = saved


def plain(value: Any) -> Any:
    """Settings as a checkpoint holds them: dataclasses as dicts, sequences as lists."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


def _open_log(stage: Stage, start: int, pace: Pace) -> RunLog:
    return RunLog(
        stage.out,
        stage.name,
        stage.total_steps,
        start_step=start,
        images_per_step=stage.batch_size,
        tensorboard=pace.tensorboard,
    )


def _matching(stage: Stage) -> dict[str, Any]:
    loaded = load_checkpoint(stage.checkpoint)
    # Once a setting of `classic`; a run may go on in another precision on another machine.
    saved = plain({k: v for k, v in loaded.get("settings", {}).items() if k != "precision"})
    wanted = plain(stage.settings)
    other = sorted(k for k in saved.keys() | wanted.keys() if saved.get(k) != wanted.get(k))
    if other:
        changes = ", ".join(f"{k} ({saved.get(k)} -> {wanted.get(k)})" for k in other)
        raise CheckpointError(
            f"{stage.checkpoint} was made with other settings: {changes}. "
            "Use the same ones to continue, or another --out to start afresh."
        )
    return loaded
