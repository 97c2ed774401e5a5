"""Which data set and which system the command line means."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from model_training.errors import UsageError
from model_training.evaluation import datasets, layouts
from model_training.evaluation.cases import Dataset
from model_training.evaluation.config import DataConfig
from model_training.evaluation.controls import NoOp
from model_training.evaluation.systems import FusedModel, ReadyOutputs, Service, System
from model_training.evaluation.views import PhotoView


class Data(StrEnum):
    """Data layouts; `--data` takes one of these, or a path whose layout is then recognised."""

    LONDON = "london"
    LFW = "lfw"
    PAIRS = "pairs"
    MANIFEST = "manifest"
    CKPLUS = "ckplus"
    YALE = "yale"


def recognise(path: Path) -> Data:
    """The layout of a data folder or manifest.

    Raises:
        UsageError: it has none of the known ones.
    """
    if path.is_file() and path.suffix == ".csv":
        return Data.MANIFEST
    if (path / "pairs.npy").is_file():
        return Data.PAIRS
    if (path / "neutral").is_dir() and (path / "smiling").is_dir():
        return Data.LONDON
    if (path / "cohn-kanade-images").is_dir():
        return Data.CKPLUS
    if any(path.rglob("subject01.normal*")):
        return Data.YALE
    raise UsageError(
        f"{path} is none of {', '.join(Data)}, no manifest (.csv), and no folder with the layout "
        "of one; LFW needs --data lfw with --lfw and --landmarks"
    )


def load_dataset(config: DataConfig) -> Dataset:
    """The data set that the options describe.

    Raises:
        UsageError: an option that this layout needs is missing.
        DataError: the data has not the layout it was said to have.
    """
    if config.data not in set(Data):
        path = Path(config.data)
        return load_dataset(replace(config, data=recognise(path), london=path, folder=path))
    if config.called is not None:
        return replace(load_dataset(replace(config, called=None)), name=config.called)

    def need(value: Path | None, option: str) -> Path:
        if value is None:
            raise UsageError(f"--data {config.data} needs {option}")
        return value

    data, people = config.data, config.people
    if data == Data.LONDON:
        return datasets.london(need(config.london, "--london"), people)
    if data == Data.LFW:
        marks = need(config.landmarks, "--landmarks")
        return datasets.lfw(need(config.lfw, "--lfw"), marks, config.lfw_labels, people)
    folder = need(config.folder, "--folder")
    if data == Data.CKPLUS:
        return layouts.ck_plus(folder, people)
    if data == Data.YALE:
        return layouts.yale(folder)
    if data == Data.PAIRS:
        return datasets.pairs(folder, people, config.facts)
    return datasets.manifest(folder)


def choose_system(
    model: str,
    models_dir: Path,
    service: str | None = None,
    token: str | None = None,
    outputs: Path | None = None,
    strength: float = 1.0,
) -> System:
    """The system that the options describe."""
    if service:
        return Service(service, model, token)
    if outputs:
        return ReadyOutputs(outputs)
    if model == "no-op":
        return NoOp(PhotoView())
    return FusedModel(models_dir, model, strength=strength)
