"""The engine of one machine: threads of this process around one pipeline."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

import cv2

from app.batch.job import Job
from app.batch.records import Chunk, Outcome
from app.stopping import Flag


def run_local(job: Job, chunks: list[Chunk], stop: Flag) -> Generator[Outcome]:
    """Work on chunks in threads; yields what became of each image.

    After a stop the images that are being worked on are finished.

    Raises:
        StartupError: a model or a place cannot be used.
    """
    worker = job.worker()
    with _opencv_threads(job.settings.intra_op_threads), ThreadPoolExecutor(job.workers) as pool:
        running: set[Future[list[Outcome]]] = set()
        try:
            for chunk in chunks:
                if stop.is_set():
                    break
                running.add(pool.submit(worker, chunk, stop))
                if len(running) > job.workers:
                    ended, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in ended:
                        yield from future.result()
            for future in running:
                yield from future.result()
        finally:  # also when nobody wants the rest
            pool.shutdown(cancel_futures=True)


@contextmanager
def _opencv_threads(threads: int) -> Iterator[None]:
    """OpenCV's own threads would compete with the workers."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(max(1, threads))
    try:
        yield
    finally:
        cv2.setNumThreads(before)
