"""Photographs on disk, for the command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import track

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif"})
_MANY = 3


def photographs(given: Iterable[Path]) -> list[Path]:
    """The files, and those in the folders (by suffix, sorted, not in folders further down)."""
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            found += sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
        else:
            found.append(path)
    return found


def with_progress(photos: list[Path]) -> Iterator[Path]:
    """The photographs one by one; a bar on stderr when there are many and a terminal to show it."""
    console = Console(stderr=True)
    if len(photos) < _MANY or not console.is_terminal:
        yield from photos
        return
    yield from track(photos, "Photographs", console=console)


class FreeNames:
    """Names for outputs that neither overwrite each other nor the photograph itself."""

    def __init__(self) -> None:
        """Nothing is taken yet."""
        self._taken: set[Path] = set()

    def free(self, wanted: Path, source: Path) -> Path:
        """`wanted`, or with a number when this run wrote it already or it is `source`."""
        candidate, number = wanted, 2
        while candidate in self._taken or candidate.resolve() == source.resolve():
            candidate = wanted.with_stem(f"{wanted.stem}-{number}")
            number += 1
        self._taken.add(candidate)
        return candidate


def write(path: Path, data: bytes) -> None:
    """Write under a temporary name and rename, so that no half-written picture is ever there."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
