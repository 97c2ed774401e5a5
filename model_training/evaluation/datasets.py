"""The photographs StoicNet is measured on: London, LFW, a manifest, or synthetic pairs."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model_training.errors import InputError
from model_training.evaluation.cases import (
    ArrayPicture,
    Case,
    Dataset,
    FilePicture,
    Picture,
    strangers,
)
from model_training.evaluation.traits import known_traits
from model_training.meter.labels import age_band
from model_training.portraits.landmarks import LandmarkTable
from model_training.portraits.split import hashed_into_validation, london_validation_ids

MAX_YAW, MAX_PITCH = 20.0, 20.0
"""Degrees beyond which an LFW photograph is not used: half of the face would be unseen."""
MIN_INTER_OCULAR = 34.0
"""Pixels; smaller LFW faces carry too little to measure (the median is about 42)."""
EXPRESSIVE_SCORE, CALM_GAP = 3.6, 1.2
"""An LFW input scores at least the first, and its calmer photograph at least the second less."""
CALM_LIP_GAP = 0.035
"""Inter-oculars between the lips that still count as a closed mouth."""


class DataError(InputError):
    """A data folder does not have the layout it was said to have."""


def london(folder: Path, people: str = "validation") -> Dataset:
    """Face Research Lab London Set: each person smiling, with the same person's neutral.

    Args:
        folder: holds `neutral/ID.jpg`, `smiling/ID.jpg` and `people.csv`.
        people: `validation`, `training` or `all`.

    Source: DeBruine & Jones 2017, Face Research Lab London Set v5, CC BY 4.0.
    """
    facts = {row["id"]: row for row in read_csv(folder / "people.csv")}
    paths = {p.stem: p for p in sorted((folder / "neutral").glob("*.jpg"))}
    if not paths:
        raise DataError(f"{folder} has no neutral/*.jpg: not the London layout")
    held_out = london_validation_ids(paths)
    chosen = [i for i in paths if people == "all" or (i in held_out) == (people == "validation")]
    neutral: dict[str, Picture] = {i: FilePicture(p, f"neutral/{i}") for i, p in paths.items()}
    stranger = strangers({i: neutral[i] for i in chosen})
    traits = known_traits()
    cases = []
    for i in chosen:
        row = facts.get(i, {})
        labels = {"sex": row.get("gender", ""), "skin": row.get("ethnicity", "")}
        labels |= {"age": age_band(row.get("age", "")), "expression": "smile"}
        labels |= traits.get(f"london/{i}", {})
        cases.append(
            Case(
                name=i,
                person=i,
                expressive=FilePicture(folder / "smiling" / f"{i}.jpg", f"smiling/{i}"),
                neutral=neutral[i],
                stranger=stranger.get(i),
                labels={k: v for k, v in labels.items() if v},
            )
        )
    return Dataset(f"london-{people}", cases, list(neutral.values()))


def lfw(
    folder: Path, landmarks: Path, labels_csv: Path | None = None, people: str = "validation"
) -> Dataset:
    """Faces in the wild: an expressive and a calmer photograph of the same person.

    A person of the split is used when two of their photographs differ enough: the most expressive
    against the least, the calm one with closed lips and not labelled as an emotion. Pose and light
    differ between the two, so the calm one is a reference for expression and identity, not a
    picture to compare pixel by pixel.

    Args:
        folder: holds `NAME/NAME_0001.jpg`.
        landmarks: table of MediaPipe landmarks and blendshapes (`data.landmarks.LandmarkTable`).
        labels_csv: optional emotion labels (path, identity, emotion, smile).
        people: `validation`, `training` or `all`.

    Source: Huang et al. 2007; labels muxspace/facial_expressions and Morishita (Apache-2.0).
    """
    table = LandmarkTable.load(landmarks)
    emotion = {r["path"]: r["emotion"] for r in read_csv(labels_csv)} if labels_csv else {}
    score, gap, apart = table.expressiveness(), table.lip_gap(), table.inter_ocular()
    frontal = (np.abs(table.pose[:, 0]) <= MAX_YAW) & (np.abs(table.pose[:, 1]) <= MAX_PITCH)
    usable = frontal & (apart >= MIN_INTER_OCULAR)
    by_person: dict[str, list[int]] = {}
    for k, path in enumerate(table.paths):
        parts = path.split("/")
        if parts[0] != "lfw" or not usable[k] or not (folder / parts[1] / parts[2]).exists():
            continue
        if people == "all" or hashed_into_validation(parts[1]) == (people == "validation"):
            by_person.setdefault(parts[1], []).append(k)
    pairs: dict[str, tuple[int, int]] = {}
    for person, rows in sorted(by_person.items()):
        loud = max(rows, key=lambda k: score[k])
        calm = [
            k
            for k in rows
            if gap[k] < CALM_LIP_GAP
            and score[k] <= score[loud] - CALM_GAP
            and emotion.get(table.paths[k][4:], "neutral") in ("", "neutral")
        ]
        if calm and score[loud] >= EXPRESSIVE_SCORE:
            pairs[person] = (loud, min(calm, key=lambda k: score[k]))
    if not pairs:
        raise DataError(f"{folder} and {landmarks} give no pair: not the LFW layout?")

    def picture(k: int) -> FilePicture:
        _, person, file = table.paths[k].split("/")
        return FilePicture(folder / person / file, Path(file).stem)

    neutral: dict[str, Picture] = {person: picture(calm) for person, (_, calm) in pairs.items()}
    stranger = strangers(neutral)
    cases = []
    for person, (loud, _) in pairs.items():
        known = emotion.get(table.paths[loud][4:], "")
        cases.append(
            Case(
                name=Path(table.paths[loud]).stem,
                person=person,
                expressive=picture(loud),
                neutral=neutral[person],
                stranger=stranger.get(person),
                labels={"expression": known} if known else {},
            )
        )
    return Dataset(f"lfw-{people}", cases, list(neutral.values()))


def pairs(folder: Path, people: str = "validation", facts: Sequence[Path] = ()) -> Dataset:
    """Synthetic expressions on real neutrals, as the synthesis command writes them.

    Args:
        folder: `pairs.npy` uint8 [N, 2, S, S, 3] RGB (0 = neutral, 1 = expressive) and
            `labels.csv` with a `person` for each pair, in order or with a column `index`.
        people: only names the data set: who is in the folder was chosen when it was made.
        facts: CSVs about the people, by `file` or `id` (FairFace's `faces.csv`, the London Set's
            `people.csv`).
    """
    array = np.load(folder / "pairs.npy", mmap_mode="r")
    rows = read_csv(folder / "labels.csv")
    index = [int(row.get("index") or k) for k, row in enumerate(rows)]
    if array.ndim != 5 or array.shape[1] != 2 or not rows or max(index) >= len(array):
        raise DataError(f"{folder}: {len(rows)} labels for pairs of shape {array.shape}")
    traits = known_traits()
    known = {Path(r.get("file") or r["id"]).stem: r for file in facts for r in read_csv(file)}
    names = [row.get("person") or str(k) for k, row in zip(index, rows, strict=True)]
    first: dict[str, Picture] = {}
    for k, person in zip(index, names, strict=True):
        first.setdefault(person, ArrayPicture(array, (k, 0), f"{k:05d}-neutral"))
    stranger = strangers(first)
    cases = []
    for k, person, row in zip(index, names, rows, strict=True):
        about = known.get(person, {})
        labels = {"expression": row.get("expression", ""), "age": age_band(about.get("age", ""))}
        labels["sex"] = about.get("gender", "").lower()
        skin = about.get("race") or about.get("ethnicity") or ""
        labels["skin"] = skin.lower().replace("_", " ")
        labels |= traits.get(row.get("source", "").rpartition(".")[0], {})
        cases.append(
            Case(
                name=f"{k:05d}",
                person=person,
                expressive=ArrayPicture(array, (k, 1), f"{k:05d}-expressive"),
                neutral=ArrayPicture(array, (k, 0), f"{k:05d}-neutral"),
                stranger=stranger.get(person),
                labels={key: value for key, value in labels.items() if value},
            )
        )
    return Dataset(f"{folder.name}-{people}", cases, list(first.values()))


def manifest(file: Path) -> Dataset:
    """Any folder: a CSV with `person, expressive, neutral, stranger` and free columns for slices.

    Paths are relative to the CSV; `neutral` and `stranger` may be empty. Where a row names no
    stranger, the neutral of another person of the file stands in.
    """
    rows = read_csv(file)
    if not rows or not {"person", "expressive"} <= set(rows[0]):
        raise DataError(f"{file} needs the columns person and expressive")

    def picture(relative: str) -> FilePicture:
        path = file.parent / relative
        if not path.is_file():
            raise DataError(f"{file} names {relative}, which does not exist")
        return FilePicture(path, relative)

    neutral: dict[str, Picture] = {}
    for row in rows:
        if row.get("neutral"):
            neutral.setdefault(row["person"], picture(row["neutral"]))
    stranger = strangers(neutral)
    known = {"person", "expressive", "neutral", "stranger"}
    cases = [
        Case(
            name=Path(row["expressive"]).with_suffix("").as_posix().replace("/", "__"),
            person=row["person"],
            expressive=picture(row["expressive"]),
            neutral=picture(row["neutral"]) if row.get("neutral") else None,
            stranger=picture(row["stranger"])
            if row.get("stranger")
            else stranger.get(row["person"]),
            labels={k: v for k, v in row.items() if k not in known and v},
        )
        for row in rows
    ]
    return Dataset(file.stem, cases, list(neutral.values()))


def read_csv(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV with a heading line.

    Raises:
        DataError: there is no such file.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist")
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))
