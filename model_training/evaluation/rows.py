"""The measured row: everything that tables, slices and reports are computed from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

TRUE_NEUTRAL, NO_OP, MEAN_FACE = "true neutral", "no-op", "mean neutral face"
CONTROLS = (NO_OP, MEAN_FACE, TRUE_NEUTRAL)


@dataclass(frozen=True, slots=True)
class FaceNumbers:
    """One face: expression score, lip gap / inter-ocular, lid distance / eye width."""

    score: float
    lip_gap: float
    eye_opening: float


@dataclass(frozen=True, slots=True)
class Distances:
    """One recogniser's distances; None where there is no such picture.

    positive: expressive to true neutral. neutralized: expressive to generated.
    negative: expressive to stranger. truth: generated to true neutral.
    """

    neutralized: float
    positive: float | None = None
    negative: float | None = None
    truth: float | None = None


@dataclass(frozen=True, slots=True)
class PictureNumbers:
    """Fine detail of generated / input (whole face, below the nose), and what else was touched.

    outside_max and outside_count: largest change in grey levels and changed pixels outside the
    mask; None when the system shows only a crop. seam: see `measure.picture.seam`.
    likeness: structural similarity to the true neutral.
    """

    sharpness: float
    sharpness_lower: float
    outside_max: int | None = None
    outside_count: int | None = None
    seam: float | None = None
    likeness: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One system on one case.

    `generated` is None when no face could be found in the output: such a row counts as not
    verified and is left out of the means of expression, and its number is printed.
    """

    system: str
    case: str
    person: str
    labels: dict[str, str]
    expressive: FaceNumbers
    neutral: FaceNumbers | None
    generated: FaceNumbers | None
    blendshape_error: dict[str, float]
    distances: dict[str, Distances]
    picture: PictureNumbers
    key: str = ""
    action_units: dict[str, float] = field(default_factory=dict)
    """OpenFace sums where the user has them: `expressive`, `neutral`, `generated`."""

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and numbers."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Row:
        """Inverse of `to_json`."""

        def face(value: dict[str, float] | None) -> FaceNumbers | None:
            return None if value is None else FaceNumbers(**value)

        return cls(
            **{
                **data,
                "expressive": FaceNumbers(**data["expressive"]),
                "neutral": face(data["neutral"]),
                "generated": face(data["generated"]),
                "distances": {k: Distances(**v) for k, v in data["distances"].items()},
                "picture": PictureNumbers(**data["picture"]),
            }
        )
