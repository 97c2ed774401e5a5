"""Names of results: one for each key, safe to write, the same in every run."""

from __future__ import annotations

import hashlib

_LONGEST = 200  # bytes of a component; file systems end at 255, temporary names need some
_ESCAPED = frozenset('%\\:*?"<>|\x7f')


def key_of(path: str) -> str:
    """The path as text that can be stored: bytes that are not UTF-8 become %XX."""
    return "".join(f"%{ord(c) & 0xFF:02X}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in path)


def result_name(key: str, suffix: str = ".png") -> str:
    """Where the result of an image lies, relative to the output.

    Different keys have different names, whatever a tar file or table calls its images: no name
    leaves the folder, begins with a dot or is too long for a file system.

    Args:
        key: see `Item.key`.
        suffix: of the pictures' format.
    """
    parts = [_component(part) for part in key.split("/")]
    return "/".join(parts) + suffix


def _component(part: str) -> str:
    if not part:
        return "%"
    escaped = "".join(f"%{ord(c):02X}" if c in _ESCAPED or c < " " else c for c in part)
    if escaped.startswith("."):  # also ".." and the bookkeeping folder
        escaped = "%2E" + escaped[1:]
    encoded = escaped.encode("utf-8", "replace")
    if len(encoded) <= _LONGEST:
        return escaped
    digest = hashlib.sha256(escaped.encode("utf-8", "replace")).hexdigest()[:24]
    return encoded[: _LONGEST - 26].decode("utf-8", "ignore") + "%~" + digest
