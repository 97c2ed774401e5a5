"""`stoicnet batch`."""

from __future__ import annotations

import json
import signal
from dataclasses import asdict
from typing import Annotated

import typer

from app.command import (
    EXIT_SOME_FAILED,
    AddressOption,
    DeviceOption,
    EngineOption,
    GpusOption,
    request_errors,
    settings_from,
    start_errors,
    takes,
)
from app.inference.threads import usable_cores
from app.observability.logs import configure_logging
from app.options import Options


@takes(Options)
def batch(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT", help="Folder, tar or Parquet file of images: a path or URL."
        ),
    ],
    target: Annotated[str, typer.Argument(metavar="OUTPUT", help="Folder: a path or URL.")],
    options: Options,
    engine: EngineOption = "local",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Images at the same time; default: the cores.")
    ] = None,
    device: DeviceOption = None,
    gpus: GpusOption = 0.0,
    address: AddressOption = None,
    retry_bad: Annotated[
        bool, typer.Option("--retry-bad", help="Try bad images of an earlier run again.")
    ] = False,
) -> None:
    """Neutralize everything in INPUT that has no result in OUTPUT yet.

    Bad images are listed in OUTPUT/bad-images.parquet and the others go on; the exit code is then
    1. A run that was stopped goes on where it was when the same command is given again; a signal
    lets it finish what it is at, and the exit code is 128 and the signal's number.
    """
    from app.batch.job import Job
    from app.batch.run import StoppedRunError, run_batch
    from app.stopping import Stopped, stopping

    with request_errors():
        options = options.for_format()
    settings = settings_from(device=device, warm_up=False)
    configure_logging(settings)
    count = workers or usable_cores()
    with start_errors(), request_errors(), stopping() as stop:
        job = Job(source, target, settings, options, count, gpus, address)
        try:
            summary = run_batch(job, engine, retry_bad, stop)
        except (Stopped, StoppedRunError) as error:
            typer.echo(f"stoicnet: stopped. {error}".rstrip(), err=True)
            raise typer.Exit(128 + (stop.signal or signal.SIGTERM)) from error
    typer.echo(json.dumps(asdict(summary)))
    if summary.bad:
        raise typer.Exit(EXIT_SOME_FAILED)
