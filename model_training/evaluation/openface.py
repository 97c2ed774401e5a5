"""The paper's own measure, where the user has OpenFace: sums of action-unit intensities.

OpenFace is not free for commercial use and is not run from here. The suite writes the pictures it
measured, the user runs `FaceLandmarkImg -fdir PICTURES -out_dir CSVS -aus` on each folder, and a
second run of the suite reads the CSVs.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2

from model_training.errors import InputError
from model_training.evaluation.cases import Image
from model_training.evaluation.rows import TRUE_NEUTRAL, Row
from model_training.runs.atomic import atomic_path

LEFT_OUT = "AU45_r"
"""Blinking, which is no expression; the paper sums the other sixteen intensities."""
EXPRESSIVE, NEUTRAL = "expressive", "neutral"


class OpenFaceError(InputError):
    """A CSV is not what OpenFace writes with `-aus`."""


def action_unit_sum(path: Path) -> float:
    """Sum of the sixteen intensities (each 0 to 5) of the most confident face of a CSV.

    Raises:
        OpenFaceError: the CSV has no action units, or no face.
    """
    with path.open(newline="", encoding="utf-8") as handle:
        # FeatureExtraction puts a blank after each comma, FaceLandmarkImg does not.
        rows = list(csv.DictReader(handle, skipinitialspace=True))
    if not rows:
        raise OpenFaceError(f"{path}: OpenFace found no face")
    rows = [{(k or "").strip(): v for k, v in row.items()} for row in rows]
    units = [k for k in rows[0] if k.startswith("AU") and k.endswith("_r") and k != LEFT_OUT]
    if len(units) != 16:
        raise OpenFaceError(f"{path} has {len(units)} intensities, expected 16: run with -aus")
    best = max(rows, key=lambda row: float(row.get("confidence") or 0))
    return sum(float(best[unit]) for unit in units)


def folder_name(system: str) -> str:
    """A system's folder: its name without what file systems dislike."""
    return "".join(c if c.isalnum() or c in "-._" else "_" for c in system)


class PictureFolder:
    """Pictures for OpenFace, and the CSVs that came back: `<root>/{pictures,csv}/<kind>/<case>`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def keep(self, kind: str, case: str, image: Image) -> None:
        """Write a measured picture once, as a PNG, under `pictures/<kind>/<case>.png`."""
        path = self._root / "pictures" / folder_name(kind) / f"{folder_name(case)}.png"
        if path.exists():
            return
        ok, png = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        if not ok:
            raise OpenFaceError(f"{case} could not be encoded")
        with atomic_path(path) as temporary:
            temporary.write_bytes(png.tobytes())

    def _sum(self, kind: str, case: str) -> float:
        path = self._root / "csv" / folder_name(kind) / f"{folder_name(case)}.csv"
        return action_unit_sum(path) if path.is_file() else math.nan

    def add_to(self, rows: Sequence[Row]) -> list[Row]:
        """The rows with their action-unit sums, where there are CSVs for all pictures of a row."""
        out = []
        for row in rows:
            kind = NEUTRAL if row.system == TRUE_NEUTRAL else row.system
            sums = {
                "expressive": self._sum(EXPRESSIVE, row.case),
                "neutral": self._sum(NEUTRAL, row.case),
                "generated": self._sum(kind, row.case),
            }
            whole = all(math.isfinite(v) for v in sums.values())
            out.append(replace(row, action_units=sums if whole else {}))
        return out
