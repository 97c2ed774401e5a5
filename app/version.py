"""The installed version of StoicNet."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def software_version() -> str:
    """Version of the installed distribution; "0+unknown" from a bare checkout."""
    try:
        return version("stoicnet")
    except PackageNotFoundError:
        return "0+unknown"
