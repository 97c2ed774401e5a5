"""The engine of many machines: Ray Data with one pipeline an actor."""

from __future__ import annotations

import logging
import pickle
import warnings
from collections.abc import Generator
from typing import Any

import cv2

from app.batch.job import Job
from app.batch.places import Place, PlaceError
from app.batch.ray_process import run_apart
from app.batch.records import Chunk, Outcome
from app.extra import load_extra, require
from app.ray.cluster import RayError, cause, connect
from app.stopping import Flag

_BLOCKS = 1000  # a task of an actor works on a block; more tasks would only be bookkeeping


class ChunkActor:
    """A worker in a process of its own, somewhere in the cluster."""

    def __init__(self, job: bytes) -> None:
        """Build the pipeline."""
        unpickled: Job = pickle.loads(job)
        cv2.setNumThreads(max(1, unpickled.settings.intra_op_threads))
        self._work = unpickled.worker()

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """A batch of one pickled chunk to its pickled outcomes."""
        return {"outcomes": [pickle.dumps(self._work(pickle.loads(c))) for c in batch["chunk"]]}


def run_ray(job: Job, chunks: list[Chunk], stop: Flag) -> Generator[Outcome]:
    """Work on chunks in a pool of actors of Ray; yields what became of each image.

    After a stop Ray ends its workers at once: images they are at get no result, and are begun
    anew by the next run.

    Raises:
        StartupError: Ray, a model or a place cannot be used, or the cluster went away.
    """
    if "memory" in Place.of(job.source).protocols | Place.of(job.output).protocols:
        raise PlaceError("memory:// lies in one process; the workers of Ray are others.")
    require("ray", "The engine ray")
    yield from run_apart(drive, job, chunks, stop)


def drive(job: Job, chunks: list[Chunk]) -> Generator[Outcome]:
    """Start or find Ray in this process and work on chunks.

    A chunk whose worker process died (out of memory, a crashed decoder, a lost machine) is tried
    again; what then is still without an outcome is tried image by image, and the images that take
    their process with them become `worker_died`.

    Raises:
        StartupError: Ray, a model or a place cannot be used, or the cluster went away.
    """
    threads = max(1, job.settings.intra_op_threads)
    ray = connect(job.address, cpus=job.workers * threads)
    try:
        load_extra(
            "ray.data", "The engine ray"
        )  # not before: Ray reads its environment when imported
        left = {item.key: item for chunk in chunks for item in chunk}
        for together in (True, False):
            todo: list[Chunk] = chunks if together else [(item,) for item in left.values()]
            for outcome in _run(ray, job, todo, threads) if todo else ():
                left.pop(outcome.key, None)
                yield outcome
        for item in left.values():
            detail = "The process that worked on it died, again when it was tried alone."
            yield Outcome(item.key, item.path, "worker_died", detail)
    finally:
        ray.shutdown()


def _run(ray: Any, job: Job, chunks: list[Chunk], threads: int) -> Generator[Outcome]:
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False  # the command has its own
    context.print_on_execution_start = False
    # A chunk that keeps killing its worker must not end the run: see `drive`.
    context.max_errored_blocks = -1
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    rows = [{"chunk": pickle.dumps(chunk)} for chunk in chunks]
    inputs = ray.data.from_items(rows, override_num_blocks=min(len(rows), _BLOCKS))
    with warnings.catch_warnings():
        # The two last arguments are to go in Ray 2.64; without them a task is retried for ever.
        warnings.simplefilter("ignore")
        dataset = inputs.map_batches(
            ChunkActor,
            fn_constructor_args=(pickle.dumps(job),),
            batch_size=1,
            batch_format="numpy",
            compute=ray.data.ActorPoolStrategy(
                size=min(job.workers, len(rows)), max_tasks_in_flight_per_actor=2
            ),
            num_cpus=threads,
            num_gpus=job.gpus or None,
            max_restarts=-1,
            max_task_retries=1,
        )
    try:
        for batch in dataset.iter_batches(batch_size=None, batch_format="numpy"):
            for pickled in batch["outcomes"]:
                yield from pickle.loads(pickled)
    except ray.exceptions.RayError as error:
        raise RayError(cause(error)) from error
