"""What a photograph costs, stage by stage: read from a file, given by hand, or measured here."""

from __future__ import annotations

import io
import json
import statistics
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
from PIL import Image

from app.pipeline import Neutralizer
from app.progress import Progress
from app.settings import Settings

SAMPLE = Path(__file__).resolve().parent.parent / "docs" / "samples" / "astronaut.jpg"
NETWORK = frozenset({"network", "infer", "inference"})
"""Names of the one stage that a GPU can take over."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the pipeline at one size of photograph.

    Attributes:
        name: for example "decode".
        size: longest side of the photograph in pixels, as text.
        ms: milliseconds of one core.
    """

    name: str
    size: str
    ms: float


def read(path: Path) -> list[Stage]:
    """`{"stages": [{"name": ..., "size": ..., "ms": ...}, ...]}`."""
    rows = json.loads(path.read_text())["stages"]
    return [Stage(str(row["name"]), str(row["size"]), float(row["ms"])) for row in rows]


def given(texts: Iterable[str]) -> list[Stage]:
    """From `NAME=MS` or `NAME@SIZE=MS`."""
    stages = []
    for text in texts:
        name, _, ms = text.partition("=")
        name, _, size = name.partition("@")
        stages.append(Stage(name, size or "all", float(ms)))
    return stages


class _CpuTime(Progress):
    """Takes the calling thread's processor time, which other programs do not lengthen."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.thread_time()
        try:
            yield
        finally:
            spent = (time.thread_time() - start) * 1000
            self.milliseconds[name] = self.milliseconds.get(name, 0.0) + spent


def measure(sizes: Iterable[int] = (512, 1024, 2048), repeats: int = 9) -> list[Stage]:
    """The pipeline with one thread on the sample photograph; medians of processor time.

    Args:
        sizes: longest sides in pixels.
        repeats: measurements of each.
    """
    settings = Settings(device="cpu", warm_up=False, intra_op_threads=1)
    neutralizer = Neutralizer.build(settings)
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    stages = []
    try:
        with Image.open(SAMPLE) as sample:
            picture = sample.convert("RGB")
        for size in sizes:
            buffer = io.BytesIO()
            picture.resize((size, size), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=90)
            runs = []
            for _ in range(repeats + 1):
                progress = _CpuTime()
                neutralizer.neutralize(buffer.getvalue(), progress=progress)
                runs.append(progress.milliseconds)
            for name in runs[0]:  # the first one warms up
                median = statistics.median(run[name] for run in runs[1:])
                stages.append(Stage(name, str(size), round(median, 2)))
    finally:
        cv2.setNumThreads(before)
    return stages
