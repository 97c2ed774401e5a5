"""What an input holds: image files, members of tar files, rows of Parquet files."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby

from app.batch.names import key_of
from app.batch.places import Place, PlaceError
from app.batch.records import Chunk, Item, Outcome
from app.batch.tables import image_rows
from app.files import PHOTOGRAPHS

_INDEXING = 8  # shards indexed at the same time: that is waiting, not computing
_MOST_SLICES = 8  # of a row group: every slice reads it from its beginning


@dataclass(slots=True)
class Found:
    """The images of an input, and shards of it that cannot be read."""

    items: list[Item] = field(default_factory=list)
    broken: list[Outcome] = field(default_factory=list)


def look_into(source: Place, output: Place) -> Found:
    """List all images of an input; of shards, only headers and footers are read.

    Args:
        source: a folder (with all below it), a tar file, a Parquet file or an image.
        output: left out, should it lie inside.

    Raises:
        PlaceError: there is nothing there, or the output is the input.
    """
    if source.holds(output) and output.holds(source):
        raise PlaceError("The output must be another folder than the input.")
    paths, base = _files(source, output)
    found = Found()
    shards: list[tuple[str, str]] = []
    for path in paths:
        key = key_of(base.name(path))
        suffix = _suffix(path)
        if any(part.startswith(".") for part in key.split("/")):
            continue  # hidden: previews, drafts, what a desktop leaves behind
        if suffix in PHOTOGRAPHS:
            found.items.append(Item(key, path))
        elif suffix in (".tar", ".parquet"):
            shards.append((key, path))
        elif path.lower().endswith((".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")):
            detail = "Members of compressed tar files cannot be read at their offsets: unpack it."
            found.broken.append(Outcome(key, path, "compressed_shard", detail))
    with ThreadPoolExecutor(_INDEXING) as pool:
        for items, broken in pool.map(lambda shard: _shard(source, *shard), shards):
            found.items += items
            found.broken += broken
    if not found.items and not found.broken:
        raise PlaceError(f"{source.url} holds no images, tar files or Parquet files of images.")
    return found


def chunks(items: Iterable[Item], size: int) -> Iterator[Chunk]:
    """The items in groups of about `size` that a worker can read well.

    Rows of one Parquet row group go together, in at most 8 slices: a slice is read by going
    through its row group from the beginning.
    """
    for is_row, same in groupby(items, lambda item: item.group >= 0):
        if not is_row:
            yield from _sliced(list(same), size)
            continue
        for _, rows in groupby(same, lambda item: (item.path, item.group)):
            group = list(rows)
            yield from _sliced(group, max(size, -(-len(group) // _MOST_SLICES)))


def _sliced(items: list[Item], size: int) -> Iterator[Chunk]:
    for start in range(0, len(items), size):
        yield tuple(items[start : start + size])


def _files(source: Place, output: Place) -> tuple[list[str], Place]:
    """All files of the input, and the place that keys are relative to."""
    try:
        if source.fs.isfile(source.root):
            parent, _, _ = source.root.rpartition("/")
            return [source.root], Place(source.url, source.fs, parent or "/")
        inside = output.root.rstrip("/") + "/" if source.holds(output) else None
        paths = source.find()
    except OSError as error:
        raise PlaceError(f"{source.url} cannot be read: {error}") from error
    return [path for path in paths if inside is None or not path.startswith(inside)], source


def _suffix(path: str) -> str:
    name = path.rpartition("/")[2]
    return "." + name.rpartition(".")[2].lower() if "." in name else ""


def _shard(source: Place, key: str, path: str) -> tuple[list[Item], list[Outcome]]:
    """The images of one tar or Parquet file."""
    items: list[Item] = []
    broken: list[Outcome] = []
    try:
        if _suffix(path) == ".tar":
            for item in _members(source, key, path):
                items.append(item)  # noqa: PERF402 (those before a fault stay)
        else:
            items += image_rows(source, key, path)
    # tarfile and pyarrow raise many types for damaged files, and a shard must not end the run.
    except Exception as error:
        broken.append(Outcome(key, path, "damaged_shard", f"{type(error).__name__}: {error}"))
    seen: set[str] = set()
    once: list[Item] = []
    for item in items:
        if item.key in seen:
            detail = "An earlier image of the shard has the same name."
            broken.append(Outcome(f"{item.key}@{item.start}", path, "duplicate_name", detail))
        else:
            seen.add(item.key)
            once.append(item)
    return once, broken


def _members(source: Place, key: str, path: str) -> Iterator[Item]:
    # Uncompressed alone: members are then read at their offsets, by any worker.
    with source.fs.open(path, "rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
        for member in tar:
            if member.isreg() and not member.issparse() and _suffix(member.name) in PHOTOGRAPHS:
                name = f"{key}/{key_of(member.name)}"
                yield Item(name, path, member.offset_data, member.size)
            tar.members = []  # type: ignore[attr-defined]  # or it keeps a second index
