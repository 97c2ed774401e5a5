"""Rows with numbers that can be worked out by hand."""

from __future__ import annotations

from model_training.evaluation.rows import Distances, FaceNumbers, PictureNumbers, Row


def made_row(
    case: str,
    e: float,
    g: float | None,
    n: float | None,
    *,
    person: str | None = None,
    system: str = "made",
    positive: float | None = 0.2,
    neutralized: float = 0.3,
    negative: float | None = 0.8,
    sharpness: float = 1.0,
    labels: dict[str, str] | None = None,
    key: str = "",
) -> Row:
    """A row whose openings and blendshapes are plain."""

    def face(score: float | None) -> FaceNumbers | None:
        return None if score is None else FaceNumbers(score, 0.01, 0.35)

    expressive = face(e)
    assert expressive is not None
    return Row(
        system=system,
        case=case,
        person=person or case,
        labels=labels or {},
        expressive=expressive,
        neutral=face(n),
        generated=face(g),
        blendshape_error={"jawOpen": 0.1, "mouthSmileLeft": 0.3},
        distances={"dlib": Distances(neutralized, positive, negative, 0.25)},
        picture=PictureNumbers(sharpness, sharpness, 0, 0, 0.5, 0.9),
        key=key,
    )
