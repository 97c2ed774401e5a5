"""What a training run tells: a CSV, a progress line with rate and ETA, curves as a picture.

TensorBoard is written too when it is installed and asked for. The CSV is the source of truth: a
resumed run drops the rows logged after its checkpoint and goes on, so that an interrupted run's
file has the same steps as an uninterrupted one's.
"""

from __future__ import annotations

import csv
import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TextIO

from model_training.runs.atomic import atomic_path


def format_duration(seconds: float) -> str:
    """`75` -> `1m15s`, `7384` -> `2h03m`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


class RunLog:
    """Log of one training stage.

    Args:
        folder: where `NAME.csv`, `NAME.png` and `tensorboard/NAME` go; made if needed.
        name: the stage's name, for instance `stage1`.
        total_steps: steps the whole run has, for the ETA.
        start_step: steps already done (0 for a fresh run); rows after it are dropped from the CSV.
        images_per_step: batch size; the rate is given in images per second.
        tensorboard: also write TensorBoard events (needs the `tensorboard` package).
        stream: where the progress line goes; by default standard error.
    """

    def __init__(
        self,
        folder: Path | str,
        name: str,
        total_steps: int,
        *,
        start_step: int = 0,
        images_per_step: int = 1,
        tensorboard: bool = False,
        stream: TextIO | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.name, self.total_steps, self.start_step = name, total_steps, start_step
        self.images_per_step = images_per_step
        self.csv_path = self.folder / f"{name}.csv"
        self.stream = stream or sys.stderr
        self._started = time.monotonic()
        self._rows = [r for r in read_rows(self.csv_path) if r["step"] <= start_step]
        self._columns = list(dict.fromkeys(k for row in self._rows for k in row)) or ["step"]
        self._rewrite()
        self._writer = None
        if tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(
                str(self.folder / "tensorboard" / name), purge_step=start_step + 1
            )

    def log(self, step: int, **values: float) -> None:
        """Add a row: `step` counts from 1; values are losses, weights, rates of any unit."""
        row = {"step": float(step), **{k: float(v) for k, v in values.items()}}
        self._rows.append(row)
        new = [k for k in row if k not in self._columns]
        if new:
            self._columns += new
            self._rewrite()
        else:
            with self.csv_path.open("a", newline="") as handle:
                csv.writer(handle, lineterminator="\n").writerow(self._cells(row))
        if self._writer is not None:
            for key, value in values.items():
                self._writer.add_scalar(key, float(value), step)

    def progress(self, step: int, values: Mapping[str, float] | None = None) -> str:
        """Write the progress line for `step` and return it.

        On a terminal the line replaces itself; elsewhere every call is a line of its own.
        """
        elapsed = time.monotonic() - self._started
        done = max(1, step - self.start_step)
        rate = done / max(elapsed, 1e-9)
        left = format_duration((self.total_steps - step) / rate)
        shown = " ".join(f"{k} {v:.4g}" for k, v in (values or {}).items())
        percent = 100 * step / max(1, self.total_steps)
        line = (
            f"{self.name} {step}/{self.total_steps} ({percent:.0f} %) "
            f"{rate * self.images_per_step:.1f} images/s, {left} left  {shown}"
        ).rstrip()
        terminal = self.stream.isatty()
        end = "\n" if not terminal or step >= self.total_steps else ""
        self.stream.write(("\r\x1b[K" if terminal else "") + line + end)
        self.stream.flush()
        return line

    def plot(self) -> Path:
        """Draw every logged value over the steps into `NAME.png`; returns its path."""
        return plot_curves(self._rows, self.folder / f"{self.name}.png", title=self.name)

    def close(self) -> None:
        """Draw the curves a last time and close TensorBoard's file."""
        if len(self._rows) > 1:
            self.plot()
        if self._writer is not None:
            self._writer.close()

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _cells(self, row: Mapping[str, float]) -> list[str]:
        return [
            str(int(row[c])) if c == "step" else (repr(row[c]) if c in row else "")
            for c in self._columns
        ]

    def _rewrite(self) -> None:
        with atomic_path(self.csv_path) as temporary, temporary.open("w", newline="") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(self._columns)
            writer.writerows(self._cells(row) for row in self._rows)


def read_rows(path: Path) -> list[dict[str, float]]:
    """The rows of a run's CSV (empty cells left out); no rows if there is no such file."""
    if not path.exists():
        return []
    lines = path.read_text().splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines.pop()  # cut short when the run was killed
    return [{k: float(v) for k, v in row.items() if k and v} for row in csv.DictReader(lines)]


def plot_curves(rows: list[dict[str, float]], path: Path, title: str) -> Path:
    """Draw each column of `rows` over `step`, one small panel a column, into a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(k for row in rows for k in row if k != "step"))
    across = min(3, max(1, len(names)))
    down = max(1, math.ceil(len(names) / across))
    figure = Figure(figsize=(4.2 * across, 2.6 * down), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    for index, name in enumerate(names):
        axis = figure.add_subplot(down, across, index + 1)
        points = [(row["step"], row[name]) for row in rows if name in row]
        axis.plot(*zip(*points, strict=True), linewidth=1)
        axis.set_title(name, fontsize=9)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=100, format="png")
    return path
