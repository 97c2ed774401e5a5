"""Writing a file so that readers see the old one or the new one, never a part of it."""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is flushed to disk and renamed.

    On an exception the temporary file is removed and `path` is untouched.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(target)
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as handle:
            os.fsync(handle.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(document: Any, path: Path | str) -> None:
    """Write JSON, whole or not at all; an object without objects inside takes one line."""
    text = json.dumps(document, indent=1, ensure_ascii=False)
    # A newline is never part of a string in JSON.
    text = re.sub(r"\{[^{}\[\]]*\}", lambda found: re.sub(r"\n\s*", " ", found[0]), text)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _remove_leftovers(target: Path) -> None:
    """Delete temporary files that killed processes of this machine left for `target`."""
    for leftover in target.parent.glob(f"{glob.escape(target.name)}.*.tmp"):
        pid = leftover.name.removeprefix(f"{target.name}.").removesuffix(".tmp")
        if pid.isdigit() and not _running(int(pid)):
            leftover.unlink(missing_ok=True)


def _running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
