"""What the command line prints as one line, without a traceback."""

from __future__ import annotations

from typing import ClassVar


class InputError(ValueError):
    """What was given (a file, a folder, a service) cannot be used."""

    exit_code: ClassVar[int] = 1


class UsageError(InputError):
    """An option cannot be what it is."""

    exit_code: ClassVar[int] = 2
