"""What a worker does with a chunk: read, neutralize, write, and say what became of each image."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from app.batch.places import Place
from app.batch.records import Chunk, Item, Outcome
from app.batch.store import ResultStore
from app.batch.tables import read_rows
from app.errors import StoicNetError, WorkError
from app.options import Options
from app.pipeline import Neutralizer
from app.stopping import Flag

_AHEAD = 3  # files fetched while one is worked on


class Worker:
    """Works on chunks; the same for every engine. May be called from several threads."""

    def __init__(
        self, neutralizer: Neutralizer, options: Options, source: Place, store: ResultStore
    ) -> None:
        """Nothing is read or written yet.

        Args:
            neutralizer: does the work.
            options: the same for every image.
            source: whose file system the items are read from.
            store: gets the results.
        """
        self._neutralizer = neutralizer
        self._options = options
        self._source = source
        self._store = store

    def __call__(self, chunk: Chunk, stop: Flag | None = None) -> list[Outcome]:
        """Work on a chunk; ends early after a fatal outcome, and when `stop` is set.

        Bad images are outcomes, not errors. An image whose result is there already (a chunk that is
        tried again) is left alone.
        """
        outcomes: list[Outcome] = []
        for item, data in self._read(chunk):
            if stop is not None and stop.is_set():
                break
            outcome = Outcome(item.key, item.path)
            if isinstance(data, Exception):
                detail = f"{type(data).__name__}: {data}"
                outcome = Outcome(item.key, item.path, "unreadable", detail)
            elif data is not None:
                outcome = self._one(item, data)
            outcomes.append(outcome)
            if outcome.fatal:
                break
        return outcomes

    def _one(self, item: Item, data: bytes) -> Outcome:
        try:
            picture = self._neutralizer.neutralize(data, self._options).file
        except WorkError as error:
            return Outcome(item.key, item.path, error.code, error.detail, fatal=self._lost())
        except StoicNetError as error:
            return Outcome(item.key, item.path, error.code, error.detail)
        # An image in a million that meets a fault of ours must not end the run.
        except Exception as error:
            return Outcome(item.key, item.path, "internal_error", repr(error))
        try:
            self._store.put(item.key, picture)
        except OSError as error:
            return Outcome(item.key, item.path, "cannot_write", str(error), fatal=True)
        return Outcome(item.key, item.path)

    def _lost(self) -> bool:
        return any(model.dead for model in self._neutralizer.models.values())

    def _read(self, chunk: Chunk) -> Iterator[tuple[Item, bytes | Exception | None]]:
        """Each item with its bytes, why they cannot be had, or None if its result is there."""
        if chunk[0].group < 0:
            yield from self._read_ahead(chunk)
            return
        left = {item.row: item for item in chunk if not self._store.has(item.key)}
        yield from ((item, None) for item in chunk if item.row not in left)
        try:
            if left:
                for item, data in read_rows(self._source, tuple(left.values())):
                    yield item, data
                    del left[item.row]
        # pyarrow has types of its own for damaged pages; the rows after the damage are lost.
        except Exception as error:
            yield from ((item, error) for item in list(left.values()))

    def _read_ahead(self, chunk: Chunk) -> Iterator[tuple[Item, bytes | Exception | None]]:
        waiting: deque[tuple[Item, Future[bytes | Exception | None]]] = deque()
        with ThreadPoolExecutor(_AHEAD) as pool:
            for item in chunk:
                waiting.append((item, pool.submit(self._fetch, item)))
                if len(waiting) > _AHEAD:
                    first, future = waiting.popleft()
                    yield first, future.result()
            for item, future in waiting:
                yield item, future.result()

    def _fetch(self, item: Item) -> bytes | Exception | None:
        try:
            if self._store.has(item.key):
                return None
            end = None if item.length < 0 else item.start + item.length
            return bytes(self._source.fs.cat_file(item.path, start=item.start, end=end))
        # Drivers of object stores raise their own types.
        except Exception as error:
            return error
