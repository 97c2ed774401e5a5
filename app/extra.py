"""Packages of the extras, imported only when something asks for them."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from app.errors import StartupError
from app.version import to_install


class MissingExtraError(StartupError):
    code = "missing_extra"
    title = "A package is not installed"


def require(package: str, purpose: str, extra: str = "scale") -> None:
    """Look for a package without importing it.

    Raises:
        MissingExtraError: it is not installed; the message says what brings it.
    """
    if importlib.util.find_spec(package) is None:
        raise MissingExtraError(
            f"{purpose} needs the package {package}, which is not installed: {to_install(extra)}"
        )


def load_extra(module: str, purpose: str, extra: str = "scale") -> Any:
    """The module.

    Args:
        module: its name, for example `pyarrow.parquet`.
        purpose: what asks for it, for the message.
        extra: of `pyproject.toml`, that brings it.

    Raises:
        MissingExtraError: it is not installed; the message says what brings it.
    """
    require(module.partition(".")[0], purpose, extra)
    return importlib.import_module(module)
