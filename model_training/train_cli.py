"""`python -m model_training train MODEL`: one command for each thing that is trained."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import typer

_COMMANDS = (
    "classic.train",
    "classic.neutralizer",
    "photo.train",
    "photo.eyes.train",
    "meter.train",
)


def register(app: typer.Typer) -> None:
    """Add `train`, with the commands each `MODEL/train_cli.py` registers on it.

    Each of those modules offers `register(train_app)`; one that is not there is left out.
    """
    train_app = typer.Typer(name="train", help="Train a model.", no_args_is_help=True)
    for command in _COMMANDS:
        name = f"model_training.{command}_cli"
        if find_spec(name):
            import_module(name).register(train_app)
    app.add_typer(train_app)
