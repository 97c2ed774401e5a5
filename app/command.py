"""What the commands of `stoicnet` share: exit codes, options, and how a start fails."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

import typer
from pydantic import BaseModel, ValidationError

from app.errors import RequestError, StartupError
from app.observability.logs import configure_logging
from app.pipeline import Neutralizer
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
VerboseOption = Annotated[
    bool, typer.Option("--verbose", help="Log to stderr what is done; warnings are logged anyway.")
]
AddressOption = Annotated[
    str | None, typer.Option(help="With ray: a cluster's address; default: start one here.")
]


def settings_from(**overrides: Any) -> Settings:
    """The environment's settings with these on top; None leaves one alone."""
    given = {key: value for key, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        typer.echo(f"stoicnet: settings are not valid: {error}", err=True)
        raise typer.Exit(EXIT_CANNOT_START) from error


def log_as_asked(settings: Settings, verbose: bool) -> None:
    """Log to stderr: what is done if `verbose`, and otherwise warnings alone."""
    configure_logging(settings if verbose else settings.model_copy(update={"log_level": "warning"}))


def neutralizer_from(settings: Settings, profile: bool = False) -> Neutralizer:
    """The pipeline, or the end of the command."""
    with start_errors():
        return Neutralizer.build(settings, profile)


@contextmanager
def start_errors() -> Iterator[None]:
    """What keeps us from starting, as a message and an exit code."""
    try:
        yield
    except StartupError as error:
        typer.echo(f"stoicnet: {error.title}: {error.detail}", err=True)
        raise typer.Exit(EXIT_CANNOT_START) from error


def takes(model: type[BaseModel]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the fields of `model` as options; it is called with `options`, one of those.

    Args:
        model: its fields' types, bounds, defaults and descriptions are the options'.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(**given: Any) -> None:
            chosen = {name: given.pop(name) for name in model.model_fields}
            try:
                with request_errors():
                    options = model(**chosen)
            except ValidationError as error:  # what Typer does not check: patterns
                [fault, *_] = error.errors()
                raise typer.BadParameter(
                    f"{fault['input']!r}: {fault['msg']}",
                    param_hint=f"--{str(fault['loc'][0]).replace('_', '-')}",
                ) from error
            command(**given, options=options)

        signature = inspect.signature(command, eval_str=True)
        parameters = []
        for parameter in signature.parameters.values():
            own = [parameter] if parameter.name != "options" else _options_of(model)
            parameters += [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
        # Typer reads both.
        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        return run

    return decorate


def _options_of(model: type[BaseModel]) -> list[inspect.Parameter]:
    parameters = []
    for name, field in model.model_fields.items():
        least, most = (
            next((getattr(rule, limit) for rule in field.metadata if hasattr(rule, limit)), None)
            for limit in ("ge", "le")
        )
        names = [f"--{name}"] if field.annotation is bool else []  # without a --no-NAME
        parameters.append(
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=Annotated[
                    field.annotation,
                    typer.Option(*names, min=least, max=most, help=field.description),
                ],
            )
        )
    return parameters


@contextmanager
def request_errors() -> Iterator[None]:
    """What is as wrong for every photograph, as a message and an exit code."""
    try:
        yield
    except RequestError as error:
        typer.echo(f"stoicnet: {error.title}: {error.detail}", err=True)
        raise typer.Exit(EXIT_WRONG_USAGE) from error
