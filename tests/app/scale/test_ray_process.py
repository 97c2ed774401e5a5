"""The process around Ray's driver: it may die, and the run goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest

from app.batch.job import Job
from app.batch.ray_process import run_apart
from app.batch.records import OK, Chunk, Item, Outcome
from app.ray.cluster import RayError
from app.settings import Settings
from app.stopping import Flag

pytestmark = pytest.mark.slow


def chunks_of(keys: str) -> list[Chunk]:
    return [(Item(key, key, 0, 1),) for key in keys]


def dies_once(job: Job, chunks: list[Chunk]) -> Generator[Outcome]:
    """Aborts at "c" the first time, as Ray's core does."""
    mark = Path(job.output) / "died"
    for chunk in chunks:
        for item in chunk:
            if item.key == "c" and not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGABRT)
            yield Outcome(item.key, item.path, OK, str(len(chunks)))


def dies_always(_job: Job, _chunks: list[Chunk]) -> Generator[Outcome]:
    yield Outcome("a", "a", OK, "")
    os.kill(os.getpid(), signal.SIGABRT)


def refuses(_job: Job, _chunks: list[Chunk]) -> Generator[Outcome]:
    yield Outcome("a", "a", OK, "")
    raise RayError("no cluster", address="there")


def job(folder: Path) -> Job:
    return Job(str(folder), str(folder), Settings())


def test_what_is_left_is_done_by_another_process(tmp_path: Path) -> None:
    outcomes = list(run_apart(dies_once, job(tmp_path), chunks_of("abcde"), Flag()))
    assert [(o.key, o.detail) for o in outcomes] == [
        *(("a", "5"), ("b", "5")),
        *(("c", "3"), ("d", "3"), ("e", "3")),
    ]


def test_a_process_that_always_dies_ends_the_run(tmp_path: Path) -> None:
    outcomes = run_apart(dies_always, job(tmp_path), chunks_of("ab"), Flag())
    assert next(outcomes).key == "a"
    with pytest.raises(RayError, match="died 3 times, at last with SIGABRT"):
        list(outcomes)


def test_what_the_engine_raises_arrives(tmp_path: Path) -> None:
    outcomes = run_apart(refuses, job(tmp_path), chunks_of("ab"), Flag())
    assert next(outcomes).key == "a"
    with pytest.raises(RayError, match="no cluster") as caught:
        next(outcomes)
    assert caught.value.facts == {"address": "there"}


def test_a_reader_that_leaves_ends_the_process(tmp_path: Path) -> None:
    outcomes = run_apart(dies_once, job(tmp_path), chunks_of("ab"), Flag())
    assert next(outcomes).key == "a"
    outcomes.close()
    assert not (tmp_path / "died").exists()
