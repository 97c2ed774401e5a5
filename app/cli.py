"""The `stoicnet` command: serve over HTTP, work on files, say what is installed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from app.batch.cli import batch
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
from app.errors import StartupError, StoicNetError
from app.files import FreeNames, photographs, with_progress, write
from app.observability.logs import configure_logging
from app.pipeline import Neutralizer
from app.result import AnalyzeOptions, Options
from app.settings import Settings
from app.version import software_version

cli = typer.Typer(
    name="stoicnet",
    no_args_is_help=True,
    invoke_without_command=True,
    add_completion=False,
)


@cli.callback()
def _any_command(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", is_eager=True)
    ] = False,
) -> None:
    """The same person, with a neutral face.

    Exit codes: 0 done, 1 some photographs failed, 2 wrong usage, 3 cannot start; 128 and the number
    of the signal that stopped a batch run.
    """
    if version:
        typer.echo(software_version())
        raise typer.Exit


models_cli = typer.Typer(help="The model files.", no_args_is_help=True)
cli.add_typer(models_cli, name="models")

Photos = Annotated[
    list[Path],
    typer.Argument(metavar="PHOTO...", help="Photograph files, or folders of them."),
]


def _neutralizer(settings: Settings, profile: bool = False) -> Neutralizer:
    with start_errors():
        return Neutralizer.build(settings, profile)


@cli.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    device: DeviceOption = None,
    engine: EngineOption = "local",
    replicas: Annotated[int, typer.Option(min=1, help="With ray: processes that serve.")] = 1,
    max_replicas: Annotated[
        int | None, typer.Option(min=1, help="With ray: up to so many under load.")
    ] = None,
    cpus: Annotated[float, typer.Option(min=0.1, help="With ray: cores of a replica.")] = 1.0,
    gpus: GpusOption = 0.0,
    address: AddressOption = None,
) -> None:
    """Serve POST /neutralize over HTTP."""
    settings = settings_from(device=device)
    configure_logging(settings)
    if engine == "ray":
        from app.ray.server import Replicas, serve_on_ray

        with start_errors():
            most = max(replicas, max_replicas or 0)
            kind = Replicas(least=replicas, most=most, cpus=cpus, gpus=gpus)
            serve_on_ray(settings, kind, host, port, address)
        return
    from app import server
    from app.main import create_app

    with start_errors():
        app = create_app(settings, Neutralizer.build(settings))
    server.run(app, settings, host, port)


@cli.command()
@takes(Options)
def neutralize(
    photos: Photos,
    out: Annotated[Path, typer.Option(help="Folder for the PNG files; created if missing.")],
    options: Options,
    device: DeviceOption = None,
) -> None:
    """Write NAME.png with a neutral face for every photograph.

    A photograph that fails is reported and the others go on; the exit code is then 1.
    """
    files = _find_photos(photos)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(f"{out} cannot be made a folder: {error.strerror}") from error
    settings = settings_from(device=device, warm_up=False)
    configure_logging(settings)
    neutralizer = _neutralizer(settings)
    names = FreeNames()

    def one(photo: Path) -> None:
        result = neutralizer.neutralize(photo.read_bytes(), options)
        target = names.free(out / f"{photo.stem}.png", photo)
        write(target, result.png)
        note = "" if result.altered else " (already neutral, unaltered)"
        typer.echo(f"{photo} -> {target}{note}")
        for warning in result.warnings:
            typer.echo(f"{photo}: {warning}", err=True)

    _each(files, one)


@cli.command()
@takes(AnalyzeOptions)
def analyze(photos: Photos, options: AnalyzeOptions) -> None:
    """Print a JSON line for every photograph: faces, quality, expression. Nothing is altered."""
    from app.api.reports import Analyzed

    files = _find_photos(photos)
    settings = settings_from(device="cpu", warm_up=False)
    configure_logging(settings)
    neutralizer = _neutralizer(settings)

    def one(photo: Path) -> None:
        report = Analyzed.of(neutralizer.analyze(photo.read_bytes(), options.faces))
        typer.echo(json.dumps({"file": str(photo), **report.model_dump(mode="json")}))

    _each(files, one)


@cli.command()
def info(
    device: DeviceOption = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="Count each provider's nodes on the CPU too.")
    ] = False,
) -> None:
    """Print version, models, hashes, providers and limits as JSON.

    On a GPU each model is run once, to count the nodes that each execution provider runs.
    """
    from app.api.info import describe

    settings = settings_from(device=device, warm_up=False)
    configure_logging(settings)
    typer.echo(describe(_neutralizer(settings, profile), settings).model_dump_json(indent=2))


@models_cli.command()
def verify(
    models_dir: Annotated[
        Path | None, typer.Option(help="The folder of manifest.json; default: as configured.")
    ] = None,
) -> None:
    """Check every model file against manifest.json; exit code 1 when one differs."""
    from app.inference.registry import checked_bytes, listed_files

    settings = settings_from(models_dir=models_dir)
    with start_errors():
        files = listed_files(settings.models_dir)
    failed = 0
    for path, entry in files.items():
        try:
            checked_bytes(path, entry.sha256)
        except StartupError as error:
            failed += 1
            typer.echo(f"BAD  {error.detail}")
        else:
            typer.echo(f"ok   {entry.sha256[:16]}  {path}")
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


cli.command()(batch)


def _find_photos(photos: list[Path]) -> list[Path]:
    files = photographs(photos)
    if not files:
        raise typer.BadParameter(f"no photographs in {', '.join(map(str, photos))}")
    return files


def _each(photos: list[Path], one: Callable[[Path], None]) -> None:
    """Call `one` for every photograph; failures are reported and counted."""
    failed = 0
    for photo in with_progress(photos):
        try:
            with request_errors():
                one(photo)
        except (StoicNetError, OSError) as error:
            failed += 1
            code = f"{error.code}: " if isinstance(error, StoicNetError) else ""
            typer.echo(f"{photo}: {code}{error}", err=True)
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def main() -> None:
    """Entry point of the `stoicnet` command."""
    cli()
