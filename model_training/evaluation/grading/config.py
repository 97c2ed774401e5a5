"""What the grading commands can be told; importable without what they need to run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Le
from pydantic import DirectoryPath, FilePath

from model_training.evaluation.config import People
from model_training.options import Many


@dataclass(frozen=True)
class GradeConfig:
    """Draw close-ups of inputs and outputs to be graded blind.

    Attributes:
        data: folder or manifest of a data set; its validation people; repeatable.
        out: folder for the pages and the CSV to fill in.
        key: the file that says what each number shows; `<out>-key.csv` unless given.
        lfw: LFW's folder; needs `landmarks`.
        landmarks: landmark table (.npz) of LFW.
        people: of the sets of `data`: validation, training or all.
        lfw_people: of LFW, which `photo` is not trained on: validation, training or all.
        model: `photo`, `classic`, ... of the models folder.
        models_dir: where models live.
        count: outputs to grade, one a person, of each data set alike while it has people.
        controls: of each data set, so many further people whose second picture is the input again,
            and as many where it is the true neutral.
        seed: of the draw and the order.
        size: side of a close-up in pixels.
        cache: found eyes are kept here.
    """

    data: Many[Path]
    out: Path
    key: Path | None = None
    lfw: DirectoryPath | None = None
    landmarks: FilePath | None = None
    people: People = "validation"
    lfw_people: People = "all"
    model: str = "photo"
    models_dir: Path = Path("onnx_models")
    count: Annotated[int, Ge(1)] = 96
    controls: Annotated[int, Ge(0)] = 0
    seed: Annotated[int, Ge(0)] = 0
    size: Annotated[int, Ge(64), Le(1024)] = 320
    cache: Path = Path("runs/evaluation/cache")


@dataclass(frozen=True)
class BesideConfig:
    """Draw outputs of two versions beside their inputs, in blind order, to say which is better.

    Attributes:
        data: folder or manifest of a data set; its validation people; repeatable.
        rival: models folder of the other version.
        out: folder for the pages and the CSV to fill in: 1, 2 or = (neither).
        key: the file that says which is which; `<out>-key.csv` unless given.
        lfw: LFW's folder, all of its people; needs `landmarks`.
        landmarks: landmark table (.npz) of LFW.
        model: `photo`, `classic`, ... of both folders.
        models_dir: where models live.
        count: faces, one a person, of each data set alike while it has people.
        seed: of the draw and the order.
        size: side of a close-up in pixels.
        cache: found eyes are kept here.
    """

    data: Many[Path]
    rival: DirectoryPath
    out: Path
    key: Path | None = None
    lfw: DirectoryPath | None = None
    landmarks: FilePath | None = None
    model: str = "photo"
    models_dir: Path = Path("onnx_models")
    count: Annotated[int, Ge(1)] = 48
    seed: Annotated[int, Ge(0)] = 0
    size: Annotated[int, Ge(64), Le(1024)] = 320
    cache: Path = Path("runs/evaluation/cache")


@dataclass(frozen=True)
class BesideTableConfig:
    """Count which version was better, by data set.

    Attributes:
        key: the key file of the sheets.
        grades: the filled CSV.
    """

    key: FilePath
    grades: FilePath


@dataclass(frozen=True)
class GradeTableConfig:
    """Make a table by data set of filled sheets.

    Attributes:
        key: the key file of the sheets.
        grades: a filled CSV; repeatable: what all graders accept counts as accepted.
    """

    key: FilePath
    grades: Many[FilePath]


@dataclass(frozen=True)
class TeethConfig:
    """Measure calm faces for the level above which teeth count as seen.

    Attributes:
        data: folder that the landmark table's paths start from.
        landmarks: landmark table (.npz) of the photographs.
        sets: image sets to look through; repeatable.
        most: at most so many photographs of a set.
    """

    data: DirectoryPath
    landmarks: FilePath
    sets: Many[str] = ("london", "canada", "lfw", "fairface")
    most: Annotated[int, Ge(1)] = 300


COMMANDS = {
    "evaluate-grade": (GradeConfig, "grade"),
    "evaluate-grades": (GradeTableConfig, "grade_table"),
    "evaluate-beside": (BesideConfig, "beside"),
    "evaluate-beside-count": (BesideTableConfig, "beside_count"),
    "evaluate-teeth": (TeethConfig, "teeth"),
}
