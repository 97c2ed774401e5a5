"""Showing how far a batch run is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_LINE_S = 10.0


class Watcher(Protocol):
    """Told of every image."""

    def __call__(self, *, bad: bool) -> None:
        """One more image has its outcome."""


@contextmanager
def watching(total: int, before: int) -> Iterator[Watcher]:
    """Show progress on stderr.

    Args:
        total: images of the input.
        before: those that an earlier run has dealt with.
    """
    console = Console(stderr=True)
    if console.is_terminal:
        with _bar(console, total, before) as watcher:
            yield watcher
    else:
        yield _Lines(console, total, before)


@contextmanager
def _bar(console: Console, total: int, before: int) -> Iterator[Watcher]:
    columns = (
        TextColumn("Photographs"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[bad]} bad"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=total, completed=before, bad=0)
        count = 0

        def watcher(*, bad: bool) -> None:
            nonlocal count
            count += bad
            progress.update(task, advance=1, bad=count)

        yield watcher


class _Lines:
    def __init__(self, console: Console, total: int, before: int) -> None:
        self._console = console
        self._total = total
        self._done = before
        self._bad = 0
        self._next = time.monotonic() + _LINE_S

    def __call__(self, *, bad: bool) -> None:
        self._done += 1
        self._bad += bad
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _LINE_S
            self._console.print(f"{self._done} of {self._total} photographs, {self._bad} bad")
