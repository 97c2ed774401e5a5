"""`python -m model_training COMMAND`: every training-side task under one command.

Each package registers its own commands; heavy imports (torch, numba) happen inside them, so that
`--help` answers at once and an extra that is not installed is missed only by the command using it.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import typer

_MODULES = ("photo.prepare_cli", "synthesis.cli", "train_cli", "evaluation.cli", "graphs.cli")

app = typer.Typer(
    name="model_training",
    help="Make training pairs, train, evaluate and export StoicNet's networks.",
    no_args_is_help=True,
    add_completion=False,
)


def _register_all() -> None:
    for module in _MODULES:
        name = f"model_training.{module}"
        if find_spec(name):
            import_module(name).register(app)


_register_all()
