"""Licensed data sets that users bring themselves: CK+ and the Yale Face Database."""

from __future__ import annotations

from pathlib import Path

from model_training.evaluation.cases import Case, Dataset, FilePicture, Picture, strangers
from model_training.evaluation.datasets import DataError
from model_training.portraits.ckplus import ck_plus_sequences
from model_training.portraits.split import hashed_into_validation

YALE_EXPRESSIONS = ("happy", "sad", "sleepy", "surprised", "wink")
"""Yale's expressions; its other pictures differ in light or glasses."""


def ck_plus(folder: Path, people: str = "validation") -> Dataset:
    """CK+: the peak of every labelled sequence, with the same sequence's first (neutral) frame.

    Args:
        folder: holds `cohn-kanade-images` and `Emotion`, as a licence-holder receives them.
        people: `validation`, `training` (split by subject) or `all`.

    Source: Lucey et al. 2010; needs a signed agreement.
    """
    sequences = [
        s
        for s in ck_plus_sequences(folder)
        if s.emotion not in (None, "neutral")
        and (people == "all" or hashed_into_validation(s.subject) == (people == "validation"))
    ]
    if not sequences:
        raise DataError(f"{folder} has no labelled sequence of {people} people")
    neutral: dict[str, Picture] = {}
    for s in sequences:
        neutral.setdefault(s.subject, FilePicture(s.frames[0].file, s.frames[0].file.stem))
    stranger = strangers(neutral)
    cases = [
        Case(
            name=s.frames[-1].file.stem,
            person=s.subject,
            expressive=FilePicture(s.frames[-1].file, s.frames[-1].file.stem),
            neutral=FilePicture(s.frames[0].file, s.frames[0].file.stem),
            stranger=stranger.get(s.subject),
            labels={"expression": s.emotion or ""},
        )
        for s in sequences
    ]
    return Dataset(f"ckplus-{people}", cases, list(neutral.values()))


def yale(folder: Path) -> Dataset:
    """Yale Face Database: `subject01.happy` and so on against `subject01.normal`.

    Fifteen people under studio light; grey. Nothing is trained on it, so there is no split. File
    names may end in `.gif`, `.png` or `.jpg`, or (as distributed) in the expression.

    Source: Belhumeur, Hespanha, Kriegman 1997; for research.
    """
    files: dict[tuple[str, str], Path] = {}
    for path in sorted(folder.rglob("subject*")):
        parts = path.name.split(".")
        if path.is_file() and len(parts) >= 2:
            files.setdefault((parts[0], parts[1]), path)
    neutral: dict[str, Picture] = {
        person: FilePicture(path, f"{person}.normal")
        for (person, kind), path in files.items()
        if kind == "normal"
    }
    if not neutral:
        raise DataError(f"{folder} has no subjectNN.normal: not the Yale layout")
    stranger = strangers(neutral)
    cases = [
        Case(
            name=f"{person}.{kind}",
            person=person,
            expressive=FilePicture(path, f"{person}.{kind}"),
            neutral=neutral[person],
            stranger=stranger.get(person),
            labels={"expression": kind},
        )
        for (person, kind), path in files.items()
        # The distributed subject04.sad is a copy of subject04.normal, as its README says.
        if kind in YALE_EXPRESSIONS and person in neutral and (person, kind) != ("subject04", "sad")
    ]
    return Dataset("yale", cases, list(neutral.values()))
