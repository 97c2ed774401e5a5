"""Two questions about outputs that Tables 1 and 2 do not ask, answered through the service's path.

Can a small network tell the lower face of an output from that of a real calm photograph? And what
happens to a face that was neutral already?
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.errors import StoicNetError
from app.options import Options
from app.pipeline import Neutralizer
from model_training.evaluation.cases import Case, Image, Picture
from model_training.synthesis.realism import Judgement, Mouths, judge

SIDE = 128
LOWER = (0.25, 0.52, 0.75, 0.97)
"""Left, top, right, bottom of the lower face in an aligned crop: nose tip, cheeks, mouth, chin."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Lower faces of the same people, in the same order.

    Attributes:
        calm: of real calm photographs.
        outputs: of what the model made of expressive ones.
        inputs: of those expressive photographs themselves.
    """

    calm: Mouths
    outputs: Mouths
    inputs: Mouths


def face_of(neutralizer: Neutralizer, picture: Picture, strength: float) -> Image:
    """The aligned crop that the service returns, uint8 RGB [S, S, 3]; strength 0 leaves it.

    Raises:
        StoicNetError: the service refuses the picture.
    """
    data = cv2.imencode(".png", cv2.cvtColor(picture.read(), cv2.COLOR_RGB2BGR))[1].tobytes()
    options = Options(output="face", strength=strength, faces="largest")
    png = neutralizer.neutralize(data, options).file
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def lower_face(crop: Image) -> Image:
    """The lower face of an aligned crop, uint8 RGB [128, 128, 3]."""
    left, top, right, bottom = (round(share * len(crop)) for share in LOWER)
    cut = crop[top:bottom, left:right]
    way = cv2.INTER_AREA if len(cut) > SIDE else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(cut, (SIDE, SIDE), interpolation=way), np.uint8)


def look(
    neutralizer: Neutralizer, cases: Sequence[Case], advance: Callable[[], object] = lambda: None
) -> Seen:
    """Neutralize the expressive picture of every case; cases that the service refuses are left out.

    Args:
        neutralizer: the service's pipeline.
        cases: with a neutral picture each.
        advance: told after every case.
    """
    found: dict[str, list[Image]] = {"calm": [], "outputs": [], "inputs": []}
    people: list[str] = []
    for case in cases:
        advance()
        if case.neutral is None:
            continue
        try:
            faces = {
                "calm": face_of(neutralizer, case.neutral, 0.0),
                "outputs": face_of(neutralizer, case.expressive, 1.0),
                "inputs": face_of(neutralizer, case.expressive, 0.0),
            }
        except StoicNetError:
            continue
        people.append(case.person)
        for kind, face in faces.items():
            found[kind].append(lower_face(face))
    if not people:
        raise ValueError("the service refused every case")
    return Seen(*(Mouths(np.stack(images), people) for images in found.values()))


def realism(seen: Seen, seeds: int = 3) -> tuple[dict[str, list[float]], Judgement]:
    """Balanced accuracy of telling outputs, and for comparison inputs, from calm photographs.

    A quarter of the people, by the hash of the name, is tested on; both kinds show the same people,
    so that a person says nothing about the kind. 0.5: cannot be told.

    Returns:
        (accuracies of each training, under `outputs` and `inputs`; the first judgement of outputs).
    """
    judgements = [judge(seen.calm, seen.outputs, seed=seed) for seed in range(seeds)]
    control = [judge(seen.calm, seen.inputs, seed=seed) for seed in range(seeds)]
    found = {
        "outputs": [round(j.accuracy, 4) for j in judgements],
        "inputs": [round(j.accuracy, 4) for j in control],
    }
    return found, judgements[0]


def judged_sheet(seen: Seen, judgement: Judgement, across: int = 8) -> Image:
    """The outputs of unseen people, the most surely recognised ones first.

    Returns:
        uint8 RGB, `across` faces a row, each over the real calm face of the same person.
    """
    order = judgement.synthetic_rows[np.argsort(judgement.synthetic)]
    order = order[: len(order) // across * across] if len(order) >= across else order
    rows = []
    for start in range(0, len(order), across):
        chosen = order[start : start + across]
        rows += [np.concatenate(list(kind.images[chosen]), 1) for kind in (seen.outputs, seen.calm)]
    return np.concatenate(rows)


def neutral_changes(neutralizer: Neutralizer, pictures: Sequence[Picture]) -> NDArray[np.float64]:
    """Mean absolute change of each already neutral face, in grey levels over its aligned crop.

    Pictures that the service refuses are left out.
    """
    changes = []
    for picture in pictures:
        try:
            before = face_of(neutralizer, picture, 0.0).astype(np.int16)
            after = face_of(neutralizer, picture, 1.0).astype(np.int16)
        except StoicNetError:
            continue
        changes.append(float(np.abs(after - before).mean()))
    return np.array(changes)


def measure(
    service: Callable[..., Neutralizer],
    cases: Sequence[Case],
    neutral: Sequence[Picture],
    advance: Callable[[], object] = lambda: None,
) -> tuple[dict[str, Any], Image]:
    """Both questions.

    Args:
        service: builds the service's pipeline; settings by name.
        cases: with a neutral picture each.
        neutral: pictures of faces that are neutral already.
        advance: told after every case.

    Returns:
        (the report's numbers, the sheet of outputs)
    """
    seen = look(service(), cases, advance)
    accuracy, judgement = realism(seen)
    report: dict[str, Any] = {
        "people": len(seen.outputs.people),
        "tested_people": len(judgement.synthetic),
        "balanced_accuracy": accuracy,
        "neutral_faces": len(neutral),
    }
    for name, rule in (("served", {}), ("without_the_rule", {"min_change": 0.0})):
        changes = neutral_changes(service(**rule), neutral)
        report[f"neutral_change_{name}"] = {
            "mean": round(float(changes.mean()), 3),
            "largest": round(float(changes.max()), 3),
        }
    return report, judged_sheet(seen, judgement)
