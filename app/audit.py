"""The audit log: a JSON line for every photograph. Hashes, scores and ids; never pixels."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.errors import StartupError, WorkError
from app.result import Result


class AuditError(WorkError):
    status = 503
    code = "audit_failed"
    title = "The audit log cannot be written"
    example = "The audit log cannot be written; nothing was answered."


class AuditFileError(StartupError):
    code = "bad_audit_log"
    title = "The audit log cannot be opened"


class AuditLog:
    """Appends to a file; safe for several threads, and for several processes on one file."""

    def __init__(self, path: Path) -> None:
        """Open it for appending.

        Raises:
            AuditFileError: that is not possible.
        """
        try:
            # Unbuffered and O_APPEND: a line is one write, so lines never mix.
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise AuditFileError(f"{path}: {error.strerror}") from error
        self._lock = threading.Lock()

    def write(self, **facts: Any) -> None:
        """Append a line.

        Raises:
            AuditError: it could not be written; then the answer must not go out.
        """
        entry = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **facts}
        line = (json.dumps(entry, separators=(",", ":")) + "\n").encode()
        try:
            with self._lock:
                if os.write(self._file, line) != len(line):
                    raise AuditError("The audit log took only a part of a line.")
        except OSError as error:
            raise AuditError(f"The audit log cannot be written: {error.strerror}.") from error

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def audit_facts(result: Result) -> dict[str, Any]:
    """What an audit log keeps of a result."""
    faces = []
    for face in result.faces:
        scores: dict[str, Any] = {"altered": face.altered, "share": round(face.altered_share, 5)}
        if face.before is not None and face.after is not None:
            scores["expression"] = [round(face.before.score, 3), round(face.after.score, 3)]
        if face.identity is not None:
            scores["identity"] = round(face.identity.similarity, 4)
        faces.append(scores)
    return {
        "model": f"{result.model}/{result.version}",
        "model_sha256": result.sha256,
        "provider": result.provider,
        "output_sha256": result.output_sha256 or hashlib.sha256(result.file).hexdigest(),
        "altered": result.altered,
        "faces": faces,
    }
