"""Folders and files by path or URL, on this machine or in an object store, through fsspec."""

from __future__ import annotations

import posixpath
import uuid
from dataclasses import dataclass
from typing import Any

from app.errors import StartupError
from app.extra import MissingExtraError, load_extra

# A put there appears whole or not at all, while a rename is a copy and a delete.
_WHOLE_PUTS = frozenset({"memory", "s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "oci"})


class PlaceError(StartupError):
    code = "bad_place"
    title = "An input or output cannot be used"


@dataclass(frozen=True, slots=True)
class Place:
    """A path on a file system.

    Attributes:
        url: as the user gave it.
        fs: the fsspec file system.
        root: the path on it, without a slash at the end.
    """

    url: str
    fs: Any
    root: str

    @classmethod
    def of(cls, url: str) -> Place:
        """Find the file system of a path or URL; nothing is read.

        Raises:
            MissingExtraError: fsspec, or its driver for this kind of URL, is not installed.
            PlaceError: no kind of URL that is known.
        """
        fsspec = load_extra("fsspec.core", "Reading and writing folders and object stores")
        try:
            fs, root = fsspec.url_to_fs(url)
        except ImportError as error:
            raise MissingExtraError(f"{url}: {error}") from error
        except ValueError as error:
            raise PlaceError(f"{url}: {error}") from error
        return cls(url, fs, str(root).rstrip("/") or "/")

    @property
    def protocols(self) -> frozenset[str]:
        """Names of the file system's kind, for example {"file", "local"}."""
        protocol = self.fs.protocol
        return frozenset([protocol] if isinstance(protocol, str) else protocol)

    @property
    def full(self) -> str:
        """The same for a process with another working directory."""
        return self.root if "file" in self.protocols else self.url

    def path(self, name: str) -> str:
        """The full path of a name relative to this place."""
        return f"{self.root.rstrip('/')}/{name}"

    def name(self, path: str) -> str:
        """The reverse of `path`."""
        return posixpath.relpath(path, self.root)

    def holds(self, other: Place) -> bool:
        """Whether `other` is this place or lies in it."""
        if self.protocols != other.protocols:
            return False
        return other.root == self.root or other.root.startswith(self.root.rstrip("/") + "/")

    def find(self, name: str = "") -> list[str]:
        """Full paths of all files below, sorted; none if there is nothing.

        Raises:
            OSError: the file system does not answer.
        """
        self.fs.invalidate_cache()
        top = self.path(name) if name else self.root
        try:
            return sorted(str(path) for path in self.fs.find(top))
        except FileNotFoundError:
            return []

    def write(self, name: str, data: bytes, temporary: str) -> None:
        """Write a file so that it is never there half.

        Under a temporary name and renamed; object stores, where a put is whole and a rename is a
        copy, get one put.

        Args:
            name: relative to this place; its folder is created.
            data: all of it.
            temporary: folder for temporary names, relative to this place.

        Raises:
            OSError: it cannot be written.
        """
        target = self.path(name)
        if self.protocols & _WHOLE_PUTS:
            self.fs.pipe_file(target, data)
            return
        self.fs.makedirs(posixpath.dirname(target), exist_ok=True)
        self.fs.makedirs(self.path(temporary), exist_ok=True)
        draft = self.path(f"{temporary}/{uuid.uuid4().hex}")
        self.fs.pipe_file(draft, data)
        self.fs.mv(draft, target)
