"""`stoicnet video`: a moving picture in, the same people with neutral faces out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from app.command import (
    EXIT_SOME_FAILED,
    DeviceOption,
    VerboseOption,
    log_as_asked,
    neutralizer_from,
    request_errors,
    settings_from,
    start_errors,
    takes,
)
from app.errors import StoicNetError
from app.imaging.provenance import COMPOSITE
from app.pipeline import Neutralizer
from app.version import software_version
from app.video.animation import ANIMATIONS, Animation, write_animation
from app.video.clip import FILMS, Film, Image, write_film
from app.video.errors import VideoFormatError
from app.video.options import VideoOptions
from app.video.source import Moving, animated


@takes(VideoOptions)
def video(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="MP4, MOV, WebM; animated GIF or WebP.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A file; its name says the kind.")],
    options: VideoOptions,
    device: DeviceOption = None,
    max_seconds: Annotated[
        float, typer.Option(min=0.1, help="A longer picture is refused, also an endless one.")
    ] = 3600.0,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
    verbose: VerboseOption = False,
) -> None:
    """Write a moving picture with neutral faces: sound and times as they were.

    Shut eyes stay shut, because people blink. Needs the extra `video`.
    """
    suffix = out.suffix.lower()
    if out.exists() and not force:
        raise typer.BadParameter(f"{out} is there already; --force overwrites it.")
    if out.resolve() == source.resolve():
        raise typer.BadParameter("OUT is IN.")
    settings = settings_from(device=device, warm_up=False)
    log_as_asked(settings, verbose)
    neutralizer = neutralizer_from(settings)
    temporary = out.with_name(f".{out.name}.tmp")
    try:
        with request_errors(), start_errors():
            note = _write(source, temporary, suffix, neutralizer, options, max_seconds)
            temporary.replace(out)
    except (StoicNetError, OSError) as error:
        code = error.code if isinstance(error, StoicNetError) else "cannot_read_or_write"
        typer.echo(f"{source}: {code}: {error}", err=True)
        raise typer.Exit(EXIT_SOME_FAILED) from error
    finally:
        temporary.unlink(missing_ok=True)
    typer.echo(f"{source} -> {out}{note}")


def _write(
    source: Path,
    temporary: Path,
    suffix: str,
    neutralizer: Neutralizer,
    options: VideoOptions,
    max_seconds: float,
) -> str:
    """Write the moving picture; returns what is to be said of it."""
    if suffix not in (*FILMS, *ANIMATIONS):
        kinds = ", ".join([*FILMS, *ANIMATIONS])
        raise VideoFormatError(f"{suffix or 'A file without a suffix'} is not one of {kinds}.")
    kind = Animation if animated(source) else Film
    read: Moving = kind(source, max_seconds)
    made = _with_progress(neutralizer.frames(read.read(), options), read.frames)
    software = f"StoicNet {software_version()}"
    if suffix in ANIMATIONS:
        write_animation(made, read, temporary, suffix, software)
        return ""
    said = {"comment": f"{software}: faces altered by a trained model ({COMPOSITE})"}
    left_out = write_film(made, read, temporary, suffix, said)
    return f" (without its sound: a {suffix} holds no {left_out})" if left_out else ""


def _with_progress(frames: Iterable[Image], count: int) -> Iterator[Image]:
    """The frames; a bar on stderr with rate and time left, if a terminal is there to show it."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield from frames
        return
    columns = (
        TextColumn("frames"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.speed:.1f}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("frames", total=count or None)
        for frame in frames:
            yield frame
            bar.advance(task)
