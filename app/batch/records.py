"""What travels between the plan of a batch run, its workers and its reports."""

from __future__ import annotations

from dataclasses import dataclass

OK = "ok"


@dataclass(frozen=True, slots=True)
class Item:
    """One image of the input.

    Attributes:
        key: its name, unique in the input: `folder/a.jpg`, `shard.tar/a.jpg`, `rows.parquet/7`.
        path: the file that holds it, as its file system names it.
        start, length: its bytes in that file; length -1 is the whole file.
        group, row: for Parquet, the row group and the row in it; -1 otherwise.
    """

    key: str
    path: str
    start: int = 0
    length: int = -1
    group: int = -1
    row: int = -1


Chunk = tuple[Item, ...]
"""What a worker takes at once: any files and tar members, or rows of one Parquet row group."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one image, or of a shard that could not be read.

    Attributes:
        key: of the item, or of the shard.
        path: the file that holds it.
        code: "ok", or why there is no result: a code of `app.errors`, `unreadable` (the bytes could
            not be fetched), `damaged_shard`, `compressed_shard`, `duplicate_name`, `worker_died`,
            `internal_error`.
        detail: the same in words.
        fatal: the run cannot go on (results cannot be written, the device is lost).
    """

    key: str
    path: str
    code: str = OK
    detail: str = ""
    fatal: bool = False
