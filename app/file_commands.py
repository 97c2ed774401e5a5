"""`stoicnet neutralize` and `stoicnet analyze`: work on files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from app.command import (
    EXIT_SOME_FAILED,
    DeviceOption,
    VerboseOption,
    log_as_asked,
    neutralizer_from,
    request_errors,
    settings_from,
    takes,
)
from app.errors import StoicNetError
from app.files import STREAM, Output, format_of, photographs, read, with_progress, write
from app.imaging.formats import SUFFIXES
from app.options import AnalyzeOptions, Options

Photos = Annotated[
    list[Path],
    typer.Argument(metavar="PHOTO...", help="Photograph files, folders of them, - for stdin."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print a JSON line for every photograph.")]


@takes(Options)
def neutralize(
    photos: Photos,
    out: Annotated[
        Path,
        typer.Option(help="Folder, made if missing; a file (NAME.jpg); or - for standard output."),
    ],
    options: Options,
    device: DeviceOption = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write a picture with a neutral face for every photograph.

    A photograph that fails is reported and the others go on; the exit code is then 1.
    """
    files = _find_photos(photos)
    options = _for_place(options, out)
    assert options.format is not None  # for_format decided it
    try:
        output = Output(out, SUFFIXES[options.format], force)
    except OSError as error:
        raise typer.BadParameter(f"{out} cannot be made a folder: {error.strerror}") from error
    if output.single and len(files) > 1:
        raise typer.BadParameter(f"{len(files)} photographs do not go into {out}; give a folder.")
    settings = settings_from(device=device, warm_up=False)
    log_as_asked(settings, verbose)
    neutralizer = neutralizer_from(settings)

    def one(photo: Path) -> None:
        target = output.free(photo)
        result = neutralizer.neutralize(read(photo), options)
        write(target, result.file)
        if as_json:
            from app.api.reports import Neutralized

            report = Neutralized.of(result).model_dump(exclude={"png_base64", "image_base64"})
            line = json.dumps({"file": str(photo), "out": str(target), **report})
        else:
            note = "" if result.altered else " (already neutral, unaltered)"
            line = f"{photo} -> {target}{note}"
            for warning in result.warnings:
                typer.echo(f"{photo}: {warning}", err=True)
        typer.echo(line, err=target == STREAM)  # the picture has standard output for itself

    _each(files, one, as_json)


def _for_place(options: Options, out: Path) -> Options:
    """The options with the format that the output's name asks for."""
    named = None if out.is_dir() else format_of(out)
    if named and options.format and named != options.format:
        raise typer.BadParameter(f"{out} is no name for format={options.format}.")
    with request_errors():
        return options.for_format(named or "png")


@takes(AnalyzeOptions)
def analyze(photos: Photos, options: AnalyzeOptions, verbose: VerboseOption = False) -> None:
    """Print a JSON line for every photograph: faces, quality, advice. Nothing is altered."""
    from app.api.reports import Analyzed

    files = _find_photos(photos)
    settings = settings_from(device="cpu", warm_up=False)
    log_as_asked(settings, verbose)
    neutralizer = neutralizer_from(settings)

    def one(photo: Path) -> None:
        report = Analyzed.of(neutralizer.analyze(read(photo), options))
        typer.echo(json.dumps({"file": str(photo), **report.model_dump(mode="json")}))

    _each(files, one)


def _find_photos(photos: list[Path]) -> list[Path]:
    files = photographs(photos)
    if not files:
        raise typer.BadParameter(f"no photographs in {', '.join(map(str, photos))}")
    return files


def _each(photos: list[Path], one: Callable[[Path], None], as_json: bool = False) -> None:
    """Call `one` for every photograph; failures are reported and counted."""
    failed = 0
    for photo in with_progress(photos):
        try:
            with request_errors():
                one(photo)
        except (StoicNetError, OSError) as error:
            failed += 1
            code = error.code if isinstance(error, StoicNetError) else "cannot_read_or_write"
            if as_json:
                failure = {"file": str(photo), "code": code, "detail": str(error)}
                typer.echo(json.dumps(failure), err=True)
            else:
                typer.echo(f"{photo}: {code}: {error}", err=True)
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)
