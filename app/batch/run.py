"""Batch runs: everything in an input to results in an output, once, whatever happens meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from app.batch.job import Engine, EngineName, Job
from app.batch.local_engine import run_local
from app.batch.places import Place
from app.batch.ray_engine import run_ray
from app.batch.records import OK, Item, Outcome
from app.batch.sources import chunks, look_into
from app.batch.store import BAD_IMAGES, ResultStore
from app.batch.watch import watching
from app.errors import StartupError, StoicNetError
from app.inference.regions import check_regions, regions_of
from app.inference.registry import FUSED, read_manifest
from app.ray.cluster import place
from app.stopping import Stop
from app.version import software_version

_ENGINES: Mapping[EngineName, Engine] = {"local": run_local, "ray": run_ray}
_LARGEST_CHUNK = 16
_KEEP_BAD_S = 5.0  # bad images are kept at least this often
_KEEP_BAD = 256

# Settings that a result's bytes, or its being refused, depend on.
_BEARING = (
    *("max_bytes", "max_pixels", "max_side", "min_face_score", "min_eye_distance", "max_faces"),
    *("neutral_score", "min_change", "identity", "identity_threshold", "png_compression"),
)


class WrongRunError(StartupError):
    code = "wrong_run"
    title = "The run cannot be started like this"


class StoppedRunError(StoicNetError):
    """A signal ended the run; what is done stays done."""

    code = "stopped_run"
    title = "The run was stopped"


class BrokenRunError(StartupError):
    code = "broken_run"
    title = "The run cannot go on"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did.

    Attributes:
        images: in the input.
        before: had a result, or were known as bad, when the run began.
        written: results of this run.
        bad: in the report, earlier runs' too; with shards that could not be read.
        report: where they are listed.
        seconds: from the end of the listing to the last result, with starting the engine.
        images_per_second: of this run, written and bad.
    """

    images: int
    before: int
    written: int
    bad: int
    report: str
    seconds: float
    images_per_second: float


def run_batch(
    job: Job, engine: EngineName = "local", retry_bad: bool = False, stop: Stop | None = None
) -> Summary:
    """Neutralize everything in `job.source` that has no result in `job.output` yet.

    Args:
        job: what to do.
        engine: who does it.
        retry_bad: try images again that an earlier run found bad.
        stop: ends the run in order.

    Raises:
        Stopped: a signal came before any image was begun.
        StoppedRunError: one came later, and images are left.
        StartupError: the input, the output, a model or the engine cannot be used, or stopped
            being usable; what is done stays done.
        IncompatibleOptionsError: the model does not know the regions that are asked for.
    """
    job = _placed(job, engine)
    stop = stop or Stop()
    source, output = Place.of(job.source), Place.of(job.output)
    store = job.store(output)
    identity = _identity(job)
    with stop.interrupting():  # listing a bucket takes minutes
        found = look_into(source, output)
    store.begin(identity)
    if retry_bad:
        store.forget_bad()
    done, bad = store.done(), store.bad()
    todo = [i for i in found.items if i.key not in bad and store.name(i.key) not in done]
    store.add_bad(each for each in found.broken if each.key not in bad)
    before = len(found.items) - len(todo)
    written = failed = 0
    started = time.monotonic()
    with watching(len(found.items), before) as watch:
        for outcome in _kept(store, _outcomes(job, engine, todo, stop)):
            watch(bad=outcome.code != OK)
            written += outcome.code == OK
            failed += outcome.code != OK
    seconds = time.monotonic() - started
    if stop.asked.is_set() and (left := len(todo) - written - failed):
        raise StoppedRunError(f"{left} of {len(found.items)} images are left for the next run.")
    return Summary(
        images=len(found.items),
        before=before,
        written=written,
        bad=store.report(),
        report=output.path(BAD_IMAGES),
        seconds=round(seconds, 3),
        images_per_second=round((written + failed) / seconds, 3) if todo else 0.0,
    )


def _placed(job: Job, engine: EngineName) -> Job:
    """The job with full paths, and with what one worker may use.

    Images run side by side, not the parts of one, so that a worker gets one thread.
    """
    job = replace(job, source=Place.of(job.source).full, output=Place.of(job.output).full)
    if engine == "ray":
        return replace(job, settings=place(job.settings, job.gpus))
    threads = job.settings.intra_op_threads or 1
    return replace(job, settings=job.settings.model_copy(update={"intra_op_threads": threads}))


def _outcomes(job: Job, engine: EngineName, todo: list[Item], stop: Stop) -> Iterator[Outcome]:
    """Every outcome once: a chunk that is tried again may report an image twice."""
    if not todo:
        return
    size = max(1, min(_LARGEST_CHUNK, len(todo) // (8 * job.workers)))
    seen: set[str] = set()
    # Closed at once when the run breaks: the engine's threads and processes go with it.
    with closing(_ENGINES[engine](job, list(chunks(todo, size)), stop.asked)) as outcomes:
        for outcome in outcomes:
            if outcome.fatal:
                raise BrokenRunError(f"{outcome.key}: {outcome.code}: {outcome.detail}")
            if outcome.key not in seen:
                seen.add(outcome.key)
                yield outcome


def _kept(store: ResultStore, outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    """The same, while bad images are put where a restart finds them."""
    waiting: list[Outcome] = []
    last = time.monotonic()
    try:
        for outcome in outcomes:
            if outcome.code != OK:
                waiting.append(outcome)
            if len(waiting) >= _KEEP_BAD or (waiting and time.monotonic() - last > _KEEP_BAD_S):
                store.add_bad(waiting)
                waiting, last = [], time.monotonic()
            yield outcome
    finally:
        store.add_bad(waiting)


def _identity(job: Job) -> dict[str, Any]:
    """Everything that the results' bytes depend on, and the input, as JSON values.

    Raises:
        StartupError: the model is not there.
        IncompatibleOptionsError: it does not know the regions that are asked for.
    """
    settings = job.settings
    models = read_manifest(settings.models_dir).models
    name = job.options.model or settings.default_model
    if name not in models or FUSED not in models[name].files:
        raise WrongRunError(f"The model {name} is not installed; there is: {', '.join(models)}.")
    if wanted := job.options.chosen_regions:  # only then: it takes a second to load a graph
        check_regions(name, regions_of(settings.models_dir, name), wanted)
    return {
        "stoicnet": software_version(),
        "input": Place.of(job.source).root,
        "model": name,
        "sha256": models[name].files[FUSED].sha256,
        "options": job.options.model_dump() | {"model": name},
        "settings": {key: getattr(settings, key) for key in _BEARING},
        "signed": settings.c2pa_certificate is not None,
    }
