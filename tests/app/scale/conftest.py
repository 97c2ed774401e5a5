"""Inputs for batch runs, and what a single `Neutralizer` makes of them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.pipeline import Neutralizer
from app.settings import Settings
from tests.app.files import encode


@pytest.fixture(scope="session")
def settings(toy_models: Path) -> Settings:
    """Of the pipeline around the toy graph."""
    return Settings(models_dir=toy_models, device="cpu", warm_up=False)


def portraits(astronaut: NDArray[np.uint8], count: int) -> list[bytes]:
    """Different files that all show the same face."""
    face = astronaut[:256, 96:352]
    return [
        encode(np.roll(face, (index % 5, index // 5), (0, 1)), "JPEG") for index in range(count)
    ]


def fill(folder: Path, files: dict[str, bytes]) -> None:
    """Write files, with their folders."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def tar_of(members: list[tuple[str, bytes]]) -> bytes:
    """A tar file; names may repeat and lead anywhere."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def results(folder: Path) -> dict[str, bytes]:
    """Every result by its name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*.png"))
        if ".stoicnet" not in path.parts
    }


def expected(neutralizer: Neutralizer, files: dict[str, bytes]) -> dict[str, bytes]:
    """What the pipeline makes of them one by one, by the names of results."""
    return {f"{name}.png": neutralizer.neutralize(data).png for name, data in files.items()}
