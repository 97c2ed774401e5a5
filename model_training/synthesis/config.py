"""What synthesis is told: the pair set to make, and how to look at one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Le
from pydantic import DirectoryPath, FilePath
from tyro.conf import Positional, arg

from model_training.options import ExistingPath, Many

NOT_CLEARED = ("lfw",)
"""Data sets of which the photographs' copyright is not cleared: they have to be asked for."""


@dataclass(frozen=True, slots=True)
class PhotoSource:
    """Photographs, and what is known about their faces.

    Attributes:
        photos: folder of photographs.
        landmarks: landmarks.npz of that folder (see label_landmarks.py).
    """

    photos: DirectoryPath
    landmarks: FilePath


@dataclass(frozen=True, slots=True)
class FaceSource(PhotoSource):
    """Photographs, and the model whose faces are fitted to theirs.

    Attributes:
        face_model: face_model.npz, or a clone of ICT-FaceKit.
    """

    face_model: ExistingPath


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthesisConfig(FaceSource):
    """Put neutral photographs into random expressions: a pair set for training.

    Attributes:
        out: folder of the pair set; an unfinished one resumes.
        pairs: how many.
        size: crop side in pixels.
        workers: processes.
        seed: of everything random.
        split: whose people to use.
        exclude: data set (first folder of a path) to leave out; by default lfw, the copyright of
            whose photographs is not cleared.
        donors: borrow real mouths and creases from expressive photographs of the same split.
        names: only this prototype (see actions.py); by default all, and captured expressions.
        frames: frames per sequence, neutral to apex; 1 makes single pairs.
    """

    out: Path
    pairs: Annotated[int, Ge(1)] = 30_000
    size: Annotated[int, Ge(64), Le(1024)] = 256
    workers: Annotated[int, Ge(1)] = 2
    seed: int = 0
    split: Literal["train", "validation", "all"] = "train"
    exclude: tuple[str, ...] = ()
    donors: bool = True
    names: Annotated[tuple[str, ...], arg(name="expression")] = ()
    frames: Annotated[int, Ge(1)] = 1

    @property
    def excluded(self) -> tuple[str, ...]:
        """The data sets that are left out."""
        return self.exclude or NOT_CLEARED


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkConfig(FaceSource):
    """Pairs a second, fitting excluded, and memory along the way.

    Attributes:
        donors: donors.npz of a pair set.
        pairs: pairs in all.
        size: crop side in pixels.
        workers: processes.
        exclude: as for synthesize.
        seed: of everything random.
    """

    donors: FilePath | None = None
    pairs: Annotated[int, Ge(10)] = 400
    size: Annotated[int, Ge(64)] = 160
    workers: Annotated[int, Ge(1)] = 2
    exclude: tuple[str, ...] = ()
    seed: int = 0

    @property
    def excluded(self) -> tuple[str, ...]:
        """The data sets that are left out."""
        return self.exclude or NOT_CLEARED


@dataclass(frozen=True, slots=True)
class PairCheckConfig:
    """Detector, landmarks and recogniser on random pairs (run in the evaluation environment).

    Attributes:
        folder: a finished pair set.
        count: how many random pairs.
        seed: which ones.
    """

    folder: Positional[DirectoryPath]
    count: Annotated[int, Ge(10)] = 200
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RealismConfig(PhotoSource):
    """Balanced accuracy of telling synthetic smiles from real ones; 0.5 is a perfect forgery.

    Attributes:
        pairs: a finished pair set.
        count: mouths of each kind.
        repeats: trainings, with different seeds.
        source: data set both kinds come from.
    """

    pairs: DirectoryPath
    count: Annotated[int, Ge(50)] = 800
    repeats: Annotated[int, Ge(1)] = 3
    source: str = "fairface"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionSheetConfig(FaceSource):
    """Fourteen expressions on chosen photographs, one row each.

    Attributes:
        out: picture to write (.jpg).
        source: photograph, as the landmark file names it.
        donors: donors.npz of a pair set.
        size: crop side in pixels.
        seed: of everything random.
    """

    out: Path
    source: Many[str]
    donors: FilePath | None = None
    size: Annotated[int, Ge(64)] = 208
    seed: int = 0


COMMANDS = {
    "synthesize": (SynthesisConfig, "make"),
    "benchmark-synthesis": (BenchmarkConfig, "time_it"),
    "check-pairs": (PairCheckConfig, "check_pairs"),
    "realism": (RealismConfig, "measure_realism"),
    "expression-sheet": (ExpressionSheetConfig, "draw_sheet"),
}
