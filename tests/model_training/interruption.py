"""Trainings that are stopped, as by a kill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch

from model_training.runs.ahead import Ahead
from model_training.runs.checkpoint import load_checkpoint

Config = TypeVar("Config")


@contextmanager
def stopped_at(step: int) -> Iterator[None]:
    """What trains inside is interrupted when it takes the batch of this step."""
    take = Ahead.take

    def stop(ahead: Ahead[object], wanted: int) -> object:
        if wanted == step:
            raise KeyboardInterrupt
        return take(ahead, wanted)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ahead, "take", stop)
        with pytest.raises(KeyboardInterrupt):
            yield


def goes_on(
    train: Callable[[Config], Path], config: Config, out: Path, parts: tuple[str, ...]
) -> dict[str, Any]:
    """A training that is stopped, as by a kill, ends where the whole one does.

    Args:
        train: trains to the end; a checkpoint every eight steps.
        config: 24 steps, in the folder in which they have been trained.
        out: for the training that is stopped, after its checkpoint of step 16.
        parts: of the checkpoints, which have to be equal.

    Returns:
        The whole training's checkpoint.
    """
    interrupted: Any = replace(config, out=out)  # type: ignore[type-var]
    with stopped_at(18):
        train(interrupted)
    (file,) = out.glob("*.pt")
    assert load_checkpoint(file)["step"] == 16
    resumed = load_checkpoint(train(interrupted))
    whole = load_checkpoint(train(config))
    for part in parts:
        assert all(torch.equal(v, resumed[part][name]) for name, v in whole[part].items()), part
    return whole


def is_the_average(network: torch.nn.Module, checkpoint: dict[str, Any]) -> bool:
    """Whether a network holds the averaged weights of a checkpoint."""
    average = checkpoint["average"]
    return all(torch.equal(v, average[f"module.{k}"]) for k, v in network.state_dict().items())
