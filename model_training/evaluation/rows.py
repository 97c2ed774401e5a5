"""The measured row: everything that tables, slices and reports are computed from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

TRUE_NEUTRAL, NO_OP, MEAN_FACE = "true neutral", "no-op", "mean neutral face"
CLASSIC_VIEW = "classic's view"
CONTROLS = (NO_OP, CLASSIC_VIEW, MEAN_FACE, TRUE_NEUTRAL)
TO_PHOTOGRAPH = " to the photograph"
"""Ends the key of a recogniser's distances in which e, n and m are whole photographs and g is what
the system shows. Systems that are looked at in crops have them beside the distances in the crop."""
TEETH_SEEN = 0.08
"""Above this share of `measure.mouth.teeth_share` teeth are seen: the 95th percentile (0.0823) of
682 photographs of calm faces (46 of London, 36 of canada, 300 each of LFW and FairFace), of people
outside validation; `evaluate-teeth` measures it."""


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
class MouthNumbers:
    """The output's mouth beside the true neutral's (see `measure.mouth`); None without a truth.

    teeth: share of tooth-like pixels between the inner lips, [0, 1].
    corners: height of the corners over the lip line; width: of the mouth; both / inter-ocular.
    lips: fine detail of the lips, output / true neutral, or / input where there is no truth.
    redness: of the lips over the cheeks, in CIELAB's a*.
    """

    teeth: float
    corners: float
    width: float
    lips: float | None = None
    teeth_truth: float | None = None
    corners_truth: float | None = None
    width_truth: float | None = None
    redness: float | None = None
    redness_truth: float | None = None


@dataclass(frozen=True, slots=True)
class WobbleNumbers:
    """What happened outside the face's outline, from input to output (see `measure.wobble`).

    outside, ears: 95th percentile of the movement of points / inter-ocular; None where there are
    fewer than five points to follow. changed: share of the pixels that are not what they were.
    """

    outside: float | None
    ears: float | None
    changed: float


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
    mouth: MouthNumbers | None = None
    """None where no face was found in the output."""
    wobble: WobbleNumbers | None = None
    """None for the true neutral, another photograph, and where the output has another size."""

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and numbers."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Row:
        """Inverse of `to_json`."""

        def face(value: dict[str, float] | None) -> FaceNumbers | None:
            return None if value is None else FaceNumbers(**value)

        mouth, wobble = data.get("mouth"), data.get("wobble")
        return cls(
            **{
                **data,
                "expressive": FaceNumbers(**data["expressive"]),
                "neutral": face(data["neutral"]),
                "generated": face(data["generated"]),
                "distances": {k: Distances(**v) for k, v in data["distances"].items()},
                "picture": PictureNumbers(**data["picture"]),
                "mouth": None if mouth is None else MouthNumbers(**mouth),
                "wobble": None if wobble is None else WobbleNumbers(**wobble),
            }
        )
