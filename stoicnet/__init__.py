"""StoicNet as a library. Everything that a program needs is here, under one name.

    from stoicnet import Neutralizer, Options, Settings

    neutralizer = Neutralizer.build(Settings(device="cpu"))
    result = neutralizer.neutralize(Path("photo.jpg").read_bytes(), Options(strength=0.8))
    Path("neutral.png").write_bytes(result.file)

Each name is imported when it is first asked for: `Client` alone needs httpx. In a wheel the service
lies inside this package (hatch_build.py), in a checkout beside it, as `app`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.client import Answer, Client, ServiceError
    from app.errors import (
        FaceError,
        ImageError,
        RequestError,
        StartupError,
        StoicNetError,
        WorkError,
    )
    from app.options import AnalyzeOptions, Options
    from app.pipeline import Neutralizer
    from app.result import Analysis, Result
    from app.settings import Settings
    from app.video.options import VideoOptions

__all__ = [
    "Analysis",
    "AnalyzeOptions",
    "Answer",
    "Client",
    "FaceError",
    "ImageError",
    "Neutralizer",
    "Options",
    "RequestError",
    "Result",
    "ServiceError",
    "Settings",
    "StartupError",
    "StoicNetError",
    "VideoOptions",
    "WorkError",
]

_MODULES = {
    "client": ("Answer", "Client", "ServiceError"),
    "errors": (
        "FaceError",
        "ImageError",
        "RequestError",
        "StartupError",
        "StoicNetError",
        "WorkError",
    ),
    "pipeline": ("Neutralizer",),
    "options": ("AnalyzeOptions", "Options"),
    "result": ("Analysis", "Result"),
    "settings": ("Settings",),
    "video.options": ("VideoOptions",),
}


def __getattr__(name: str) -> object:
    for module, names in _MODULES.items():
        if name in names:
            from app import __name__ as service

            return getattr(import_module(f"{service}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
