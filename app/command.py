"""What the commands of `stoicnet` share: exit codes, options, and how a start fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError

from app.errors import StartupError
from app.observability.logs import configure_logging
from app.settings import Device, Settings

EXIT_SOME_FAILED = 1
EXIT_WRONG_USAGE = 2
EXIT_CANNOT_START = 3

DeviceOption = Annotated[
    Device | None, typer.Option(help="auto, cuda, tensorrt or cpu; default: STOICNET_DEVICE.")
]
EngineOption = Annotated[
    Literal["local", "ray"], typer.Option(help="This process alone, or Ray (extra scale).")
]
GpusOption = Annotated[
    float, typer.Option(min=0, help="With ray: GPUs of each worker; a part is allowed.")
]
AddressOption = Annotated[
    str | None, typer.Option(help="With ray: a cluster's address; default: start one here.")
]


def settings_from(**overrides: Any) -> Settings:
    """The environment's settings with these on top; None leaves one alone."""
    given = {key: value for key, value in overrides.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        typer.echo(f"stoicnet: settings are not valid: {error}", err=True)
        raise typer.Exit(EXIT_CANNOT_START) from error
    configure_logging(settings)
    return settings


@contextmanager
def start_errors() -> Iterator[None]:
    """What keeps us from starting, as a message and an exit code."""
    try:
        yield
    except StartupError as error:
        typer.echo(f"stoicnet: {error.title}: {error.detail}", err=True)
        raise typer.Exit(EXIT_CANNOT_START) from error
