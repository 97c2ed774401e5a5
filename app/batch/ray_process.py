"""A process of its own for Ray's driver, because Ray's core can take its process down with it.

Ray's C++ core aborts (SIGABRT, without an exception) when it finds itself in a state that it does
not expect; seen once on a two-core machine just after one of its workers was killed. A run must
survive that: the driver's process is started again with what has no outcome yet.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from multiprocessing.connection import Connection

from app.batch.job import Job
from app.batch.records import Chunk, Outcome
from app.errors import StartupError
from app.ray.cluster import RayError
from app.stopping import Flag

_log = logging.getLogger(__name__)
_STARTS = 3
_END_S = 30.0  # Ray gets this long to end what it started
_LOOK_S = 0.1  # how often the parent looks whether it is to stop

Driver = Callable[[Job, list[Chunk]], Generator[Outcome]]
"""What runs in the process: an engine without the flag, which means nothing to another process."""


def run_apart(driver: Driver, job: Job, chunks: list[Chunk], stop: Flag) -> Generator[Outcome]:
    """Yield outcomes from a process that may be killed and is then started again.

    Args:
        driver: a function of a module, so that it can be pickled.
        job: what to do.
        chunks: what to do it to.
        stop: ends the process and what it started.

    Raises:
        StartupError: what the engine raised, or the process died three times.
    """
    left = {item.key: item for chunk in chunks for item in chunk}
    for start in range(_STARTS):
        todo: list[Chunk] = chunks if start == 0 else [(item,) for item in left.values()]
        code = yield from _once(driver, job, todo, left.pop, stop)
        if code == 0:
            return
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        _log.warning(
            "the process that drives Ray died with %s, %d images are left", name, len(left)
        )
    raise RayError(f"The process that drives Ray died {_STARTS} times, at last with {name}.")


def _once(
    driver: Driver,
    job: Job,
    chunks: list[Chunk],
    forget: Callable[[str, None], object],
    stop: Flag,
) -> Generator[Outcome, None, int]:
    """One process; returns its exit code, 0 when it did everything or was to stop."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_drive, args=(there, driver, job, chunks), daemon=True)
    process.start()
    there.close()
    finished = False
    try:
        while True:
            while not here.poll(_LOOK_S):
                if stop.is_set():
                    return 0
            message = here.recv()
            finished = message is None or isinstance(message, StartupError)
            if isinstance(message, StartupError):
                raise message
            if message is None:
                return 0
            forget(message.key, None)
            yield message
    except EOFError:
        process.join()
        return process.exitcode or 1
    finally:
        here.close()
        if not finished:  # nobody wants the rest
            process.terminate()
        process.join(_END_S)
        process.kill()


def _drive(answers: Connection, driver: Driver, job: Job, chunks: list[Chunk]) -> None:
    """What the process does."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Standard output is the summary's: Ray prints on it what it thinks of a cluster that ends,
    # whatever it was told about logs.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # Ctrl-C is the parent's to answer: it ends this process with SIGTERM, for which Ray has a
    # handler of its own once it runs; both let Ray end what it started.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # A closed pipe: nobody wants the rest.
    with suppress(BrokenPipeError), answers:
        try:
            for outcome in driver(job, chunks):
                answers.send(outcome)
            answers.send(None)
        except StartupError as error:
            answers.send(error)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        # In order, so that Ray ends what it started: left alone, its agents go on for a minute.
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_END_S)
        os._exit(1)
