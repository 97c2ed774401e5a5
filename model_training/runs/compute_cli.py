"""The options `--device` and `--compute` of every `train` command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from model_training.runs.compute import Compute
    from model_training.runs.distributed import Workers

Device = Annotated[
    Literal["auto", "cpu", "cuda"],
    typer.Option(help="Where to compute; auto takes a GPU if torch finds one."),
]
Precision = Annotated[
    Literal["auto", "bfloat16", "float32"],
    typer.Option("--compute", help="auto measures both for two seconds, if the machine has both."),
]


def chosen(device: str, precision: str, out: Path, workers: Workers) -> Compute:
    """Decide, and say what was decided and why.

    Raises:
        typer.BadParameter: a GPU is asked for and not there.
    """
    from model_training.runs.compute import choose

    try:
        compute = choose(device, precision, folder=out, workers=workers)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--device") from error
    if workers.main:
        typer.echo(str(compute), err=True)
    return compute
