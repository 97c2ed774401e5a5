"""What a batch run is told, and what the engines need to know of it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Literal

from app.batch.places import Place
from app.batch.records import Chunk, Outcome
from app.batch.store import ResultStore
from app.batch.work import Worker
from app.imaging.formats import SUFFIXES
from app.options import Options
from app.pipeline import Neutralizer
from app.settings import Settings
from app.stopping import Flag

EngineName = Literal["local", "ray"]

Engine = Callable[["Job", list[Chunk], Flag], Generator[Outcome]]
"""Works on chunks and yields what became of each image, in any order.

Once the flag is set nothing more is begun. What was begun is finished, or leaves no result and is
taken up by the next run.
"""


@dataclass(frozen=True, slots=True)
class Job:
    """A batch run. Can be pickled: workers on other machines open the places themselves.

    Attributes:
        source, output: path or URL.
        settings: of the pipeline; `intra_op_threads` is what one worker gets.
        options: the same for every image.
        workers: how many images are worked on at the same time.
        gpus: of one worker of the Ray engine; a part is allowed.
        address: of the Ray cluster; None starts one on this machine.
    """

    source: str
    output: str
    settings: Settings
    options: Options = field(default_factory=Options)
    workers: int = 1
    gpus: float = 0.0
    address: str | None = None

    def store(self, output: Place) -> ResultStore:
        """Where results go."""
        return ResultStore(output, SUFFIXES[self.options.format or "png"])

    def worker(self) -> Worker:
        """Build the pipeline and open the places.

        Raises:
            StartupError: a model or a place cannot be used.
        """
        store = self.store(Place.of(self.output))
        neutralizer = Neutralizer.build(self.settings)
        return Worker(neutralizer, self.options, Place.of(self.source), store)
