"""The start of every training command: threads, workers, device and precision."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from model_training.errors import UsageError
from model_training.runs.compute import Compute, choose
from model_training.runs.config import ComputeConfig
from model_training.runs.distributed import ALONE, Workers, torchrun_workers


def decide(config: ComputeConfig, out: Path, workers: Workers = ALONE) -> Compute:
    """Decide where to compute, and say what was decided and why.

    Raises:
        UsageError: a GPU is asked for and not there.
    """
    try:
        compute = choose(config.device, config.compute, folder=out, workers=workers)
    except ValueError as error:
        raise UsageError(f"--device: {error}") from error
    if workers.main:
        print(compute, file=sys.stderr)
    return compute


@contextmanager
def start(config: ComputeConfig, out: Path, threads: int) -> Iterator[tuple[Compute, Workers]]:
    """Join the workers that `torchrun` started, if it did, and decide where to compute.

    Args:
        config: what is asked for.
        out: folder of the run.
        threads: of torch; 0 leaves its own choice.

    Raises:
        UsageError: a GPU is asked for and not there.
    """
    if threads:
        torch.set_num_threads(threads)
    with torchrun_workers() as workers:
        yield decide(config, out, workers), workers
