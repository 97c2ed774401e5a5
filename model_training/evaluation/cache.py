"""Files named by a hash of all that went into them, so that a broken run goes on where it was."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from model_training.runs.atomic import atomic_path

MEASURES = "4"
"""Raise it whenever a measure changes: older entries are then never read again."""


def digest(*parts: str | bytes | np.ndarray) -> str:
    """SHA-256 over the parts, each with its length (and an array's shape) in front."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            head, data = f"{part.shape}{part.dtype}", np.ascontiguousarray(part).tobytes()
        else:
            data = part.encode() if isinstance(part, str) else part
            head = str(len(data))
        total.update(head.encode() + b"|" + data)
    return total.hexdigest()


class Cache:
    """JSON documents and JPEG strips under one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, kind: str, key: str, suffix: str) -> Path:
        """Where an entry lies, whether it exists or not."""
        return self._folder / kind / key[:2] / f"{key}{suffix}"

    def load(self, kind: str, key: str) -> Any | None:
        """The document, or None when there is none (a half-written one counts as none)."""
        try:
            return json.loads(self.path(kind, key, ".json").read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def save(self, kind: str, key: str, document: Any) -> None:
        """Write the document under its final name only when it is whole."""
        self.save_bytes(kind, key, ".json", json.dumps(document).encode())

    def save_bytes(self, kind: str, key: str, suffix: str, data: bytes) -> Path:
        """Write a file under its final name only when it is whole."""
        path = self.path(kind, key, suffix)
        with atomic_path(path) as temporary:
            temporary.write_bytes(data)
        return path
