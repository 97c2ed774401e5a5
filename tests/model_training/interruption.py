"""Trainings that are stopped, as by a kill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from model_training.runs.ahead import Ahead


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
