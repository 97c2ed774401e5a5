"""`python -m model_training ...` in this process, as a shell would see it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple

from model_training.cli import main


class Result(NamedTuple):
    """What a command left: its exit code, and what it printed to both streams."""

    exit_code: int
    output: str


def invoke(arguments: Sequence[str]) -> Result:
    """Run a command; anything but its exit is raised on."""
    printed, code = io.StringIO(), 0
    with redirect_stdout(printed), redirect_stderr(printed):
        try:
            main(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Result(code, printed.getvalue())
