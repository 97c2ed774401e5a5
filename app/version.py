"""The installed version of StoicNet, and how to install what it does not bring."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires, version


def software_version() -> str:
    """Version of the installed distribution; "0+unknown" from a bare checkout."""
    try:
        return version("stoicnet")
    except PackageNotFoundError:
        return "0+unknown"


def to_install(extra: str) -> str:
    """The command that brings what an extra names.

    It names the packages, as the installed distribution does, not the extra: no package index has
    `stoicnet`.
    """
    try:
        wanted = requires("stoicnet") or []
    except PackageNotFoundError:
        wanted = []
    asks = re.compile(rf"extra == ['\"]{re.escape(extra)}['\"]")
    packages = [line.partition(";")[0].strip() for line in wanted if asks.search(line)]
    return "pip install " + (" ".join(f"'{name}'" for name in packages) or f"-e '.[{extra}]'")
