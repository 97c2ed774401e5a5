"""The `stoicnet` command: serve over HTTP, work on files, say what is installed."""

from __future__ import annotations

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
    VerboseOption,
    log_as_asked,
    neutralizer_from,
    settings_from,
    start_errors,
)
from app.errors import StartupError
from app.file_commands import analyze, neutralize
from app.observability.logs import configure_logging
from app.pipeline import Neutralizer
from app.version import software_version
from app.video_command import video

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
def info(
    device: DeviceOption = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="Count each provider's nodes on the CPU too.")
    ] = False,
    verbose: VerboseOption = False,
) -> None:
    """Print version, models, hashes, providers and limits as JSON.

    On a GPU each model is run once, to count the nodes that each execution provider runs.
    """
    from app.api.info import describe

    settings = settings_from(device=device, warm_up=False)
    log_as_asked(settings, verbose)
    typer.echo(describe(neutralizer_from(settings, profile), settings).model_dump_json(indent=2))


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


for command in (neutralize, analyze, video, batch):
    cli.command()(command)


def main() -> None:
    """Entry point of the `stoicnet` command."""
    cli()
