"""Photographs on disk, for the command line."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import track

from app.imaging.formats import SUFFIXES, Format

PHOTOGRAPHS = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
    | {".avif", ".heic", ".heif"}
)
STREAM = Path("-")
"""Standard input or output, as a path."""
_MANY = 3


def photographs(given: Iterable[Path]) -> list[Path]:
    """The files, and those in the folders (by suffix, sorted, not in folders further down)."""
    found: list[Path] = []
    for path in given:
        if path != STREAM and path.is_dir():
            found += sorted(file for file in path.iterdir() if file.suffix.lower() in PHOTOGRAPHS)
        else:
            found.append(path)
    return found


def read(path: Path) -> bytes:
    """A file, or standard input.

    Raises:
        OSError: it cannot be read.
    """
    return sys.stdin.buffer.read() if path == STREAM else path.read_bytes()


def with_progress(photos: list[Path]) -> Iterator[Path]:
    """The photographs one by one; a bar on stderr when there are many and a terminal to show it."""
    console = Console(stderr=True)
    if len(photos) < _MANY or not console.is_terminal:
        yield from photos
        return
    yield from track(photos, "Photographs", console=console)


def format_of(path: Path) -> Format | None:
    """The format that a file's name asks for; None for a folder or any other name."""
    suffix = ".jpg" if path.suffix.lower() == ".jpeg" else path.suffix.lower()
    return next((kind for kind, its in SUFFIXES.items() if its == suffix), None)


class Output:
    """Where results go: a folder, one file, or standard output. Nothing is overwritten unasked."""

    def __init__(self, place: Path, suffix: str, force: bool) -> None:
        """Nothing is written yet.

        Args:
            place: `-`, a file's name with the suffix of a format, or a folder, made if missing.
            suffix: of the files in a folder.
            force: overwrite files of earlier runs.

        Raises:
            OSError: the folder cannot be made.
        """
        self._place = place
        self._suffix = suffix
        self._force = force
        self._taken: set[Path] = set()
        self.single = place == STREAM or (format_of(place) is not None and not place.is_dir())
        if not self.single:
            place.mkdir(parents=True, exist_ok=True)

    def free(self, source: Path) -> Path:
        """Where the result of a photograph goes: never onto it, nor onto another of this run.

        Raises:
            FileExistsError: an earlier run's file is there, and `force` is not.
        """
        if self._place == STREAM:
            return STREAM
        stem = "stdin" if source == STREAM else source.stem
        wanted = self._place if self.single else self._place / f"{stem}{self._suffix}"
        candidate, number = wanted, 2
        while candidate in self._taken or candidate.resolve() == source.resolve():
            candidate = wanted.with_stem(f"{wanted.stem}-{number}")
            number += 1
        if candidate.exists() and not self._force:
            raise FileExistsError(f"{candidate} is there already; --force overwrites it.")
        self._taken.add(candidate)
        return candidate


def write(path: Path, data: bytes) -> None:
    """Write to standard output, or under a temporary name and rename: no half-written picture."""
    if path == STREAM:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
