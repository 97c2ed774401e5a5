"""The output of a batch run: results, the list of bad images, and what the run was started with.

`<key>.png` (or .jpg, .webp) for every result, `bad-images.parquet` when the run has ended, and
`.stoicnet/` with `run.json`, parts of the list of bad images, and drafts. Everything a restart
needs to know is read from there; a process that is killed loses at most what it had not written.
"""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from app.batch.names import result_name
from app.batch.places import Place, PlaceError
from app.batch.records import Outcome
from app.extra import load_extra

BAD_IMAGES = "bad-images.parquet"
_OWN = ".stoicnet"
_DRAFTS = f"{_OWN}/drafts"
_PARTS = f"{_OWN}/bad"
_RUN = f"{_OWN}/run.json"
_COLUMNS = ("key", "source", "code", "detail")


class ResultStore:
    """Reads and writes an output folder or object-store prefix. Safe to use from many workers."""

    def __init__(self, place: Place, suffix: str = ".png") -> None:
        """Nothing is read or written yet.

        Args:
            place: the output.
            suffix: of the results' files.
        """
        self.place = place
        self._suffix = suffix

    def begin(self, run: Mapping[str, Any]) -> None:
        """Note what this run is, or check that the earlier one was the same.

        Args:
            run: everything that the results' bytes depend on; JSON values.

        Raises:
            PlaceError: the results there were made otherwise and would be mixed with these.
        """
        path = self.place.path(_RUN)
        wanted = json.loads(json.dumps(run))
        if self.place.fs.exists(path):
            earlier = json.loads(self.place.fs.cat_file(path))
            differing = sorted(
                key for key in wanted.keys() | earlier.keys() if wanted.get(key) != earlier.get(key)
            )
            if differing:
                told = "; ".join(
                    f"{key}: {earlier.get(key)} then, {wanted.get(key)} now" for key in differing
                )
                raise PlaceError(
                    f"{self.place.url} holds results of another run ({told}). Go on with the same "
                    "options, or choose another output."
                )
            self._remove(self.place.find(_DRAFTS))
            return
        self.place.write(_RUN, json.dumps(wanted, indent=2).encode(), _DRAFTS)

    def done(self) -> set[str]:
        """Names of the results that are there."""
        own = self.place.path(_OWN) + "/"
        return {
            self.place.name(path)
            for path in self.place.find()
            if path.endswith(self._suffix) and not path.startswith(own)
        }

    def has(self, key: str) -> bool:
        """Whether the result of an image is there."""
        return bool(self.place.fs.exists(self.place.path(self.name(key))))

    def name(self, key: str) -> str:
        """Where the result of an image lies in the place."""
        return result_name(key, self._suffix)

    def put(self, key: str, picture: bytes) -> None:
        """Write the result of an image, whole.

        Raises:
            OSError: it cannot be written.
        """
        self.place.write(self.name(key), picture, _DRAFTS)

    def add_bad(self, bad: Iterable[Outcome]) -> None:
        """Keep bad images, for a restart and for the report."""
        rows = [(each.key, each.path, each.code, each.detail) for each in bad]
        if rows:
            self.place.write(f"{_PARTS}/{uuid.uuid4().hex}.parquet", _parquet(rows), _DRAFTS)

    def bad(self) -> dict[str, Outcome]:
        """The bad images known so far, by key."""
        known: dict[str, Outcome] = {}
        for path in [*self._earlier_report(), *self.place.find(_PARTS)]:
            for key, source, code, detail in _rows(self.place.fs.cat_file(path)):
                known[key] = Outcome(key, source, code, detail)
        return known

    def forget_bad(self) -> None:
        """Let bad images be tried again."""
        self._remove([*self._earlier_report(), *self.place.find(_PARTS)])

    def report(self) -> int:
        """Write `bad-images.parquet`, sorted by key, from all parts; returns how many it lists."""
        parts = self.place.find(_PARTS)
        known = self.bad()
        rows = [(e.key, e.path, e.code, e.detail) for e in (known[key] for key in sorted(known))]
        self.place.write(BAD_IMAGES, _parquet(rows), _DRAFTS)
        self._remove([*parts, *self.place.find(_DRAFTS)])
        return len(rows)

    def _earlier_report(self) -> list[str]:
        path = self.place.path(BAD_IMAGES)
        return [path] if self.place.fs.exists(path) else []

    def _remove(self, paths: Iterable[str]) -> None:
        for path in paths:
            self.place.fs.rm_file(path)


def _parquet(rows: list[tuple[str, str, str, str]]) -> bytes:
    arrow = load_extra("pyarrow", "The report of bad images")
    columns = [
        arrow.array([row[index] for row in rows], arrow.string()) for index in range(len(_COLUMNS))
    ]
    table = arrow.table(columns, names=list(_COLUMNS))
    buffer = io.BytesIO()
    load_extra("pyarrow.parquet", "The report of bad images").write_table(table, buffer)
    return buffer.getvalue()


def _rows(data: bytes) -> list[tuple[str, str, str, str]]:
    parquet = load_extra("pyarrow.parquet", "The report of bad images")
    # In this thread alone. `read_table` reads ahead in Arrow's own threads; one of them that frees
    # our bytes while the interpreter ends takes the process down with SIGABRT.
    table = parquet.ParquetFile(io.BytesIO(data), pre_buffer=False).read(use_threads=False)
    return list(zip(*(table.column(name).to_pylist() for name in _COLUMNS), strict=True))
