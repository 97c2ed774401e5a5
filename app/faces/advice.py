"""What a person could do for a better photograph: each piece measured, each with its threshold.

For pipelines that may not edit and ask for another photograph instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from app.faces.exposure import DARK
from app.faces.meter import Expression
from app.faces.quality import Quality

Code = Literal[
    "close_mouth",
    "open_eyes",
    "remove_sunglasses",
    "neutral_expression",
    "face_camera",
    "level_head",
    "more_light",
    "one_person",
    "closer",
]

RESTING_SCORE = 2.6
"""Expression score up to which a face counts as resting.

Of 68 London portraits each, 7 neutral ones are over it and 56 smiling ones.
"""
LEAST = {
    "close_mouth": ("MouthClosed", 90),
    "open_eyes": ("EyesOpen", 80),
    "face_camera": ("HeadPoseYaw", 93),
    "level_head": ("HeadPoseRoll", 98),
    "one_person": ("SingleFacePresent", 67),
    "closer": ("InterEyeDistance", 38),
}
"""Advice by code: the quality component and the quality, 0 to 100, under which it is given.

No neutral London portrait is under those of mouth and eyes; of 68 smiling ones 20 are under that of
the mouth.
"""

SHADED = 0.4
"""Light of the eyes, relative to the cheeks, under which they are behind dark glasses.

Counted once, by looking: 281 of 15,669 LFW and FairFace faces are under it; of 64 of these, drawn
by chance, 52 wear sunglasses and 12 have their eyes in a deep shadow. Light lenses are missed: of
nine faces labelled by hand as wearing sunglasses, four are under it.
"""

_SENTENCES: Mapping[str, str] = {
    "close_mouth": "Close your mouth, with relaxed lips.",
    "open_eyes": "Open your eyes.",
    "remove_sunglasses": "Take off your sunglasses, or turn so that light reaches your eyes.",
    "neutral_expression": "Relax your face: no smile, no raised brows.",
    "face_camera": "Turn your face straight to the camera.",
    "level_head": "Hold your head upright, both eyes at one height.",
    "more_light": "Put more light on your face.",
    "one_person": "Nobody else should be in the picture.",
    "closer": "Come closer to the camera, or take a larger picture.",
}


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do differently.

    Attributes:
        code: stable identifier.
        sentence: for the person in the photograph.
        measure: what was measured: a quality component, `expression`, `brightness` or
            `light_of_eyes`.
        value: measured: a quality from 0 to 100, an expression score, grey levels, or the eyes'
            light relative to the cheeks'.
        threshold: which `value` should not be under; for an expression, not over.
    """

    code: Code
    sentence: str
    measure: str
    value: float
    threshold: float


def advise(
    quality: Mapping[str, Quality],
    expression: Expression | None,
    light: float,
    light_of_eyes: float,
) -> tuple[Advice, ...]:
    """What one face could do differently, the order that of `Code`.

    Args:
        quality: of the face; components that were not measured give no advice.
        expression: None without a meter.
        light: brightness of the face in grey levels, see `exposure.brightness`.
        light_of_eyes: relative to the cheeks, see `exposure.light_of_eyes`.
    """
    found: dict[str, tuple[str, float, float]] = {}
    for code, (component, least) in LEAST.items():
        measured = quality.get(component)
        if measured is not None and measured.quality is not None and measured.quality < least:
            found[code] = (component, measured.quality, least)
    if expression is not None and expression.score > RESTING_SCORE:
        found["neutral_expression"] = ("expression", expression.score, RESTING_SCORE)
    if light_of_eyes < SHADED:
        found["remove_sunglasses"] = ("light_of_eyes", light_of_eyes, SHADED)
    if light < DARK:
        found["more_light"] = ("brightness", light, DARK)
    codes: tuple[Code, ...] = get_args(Code)
    return tuple(Advice(code, _SENTENCES[code], *found[code]) for code in codes if code in found)
