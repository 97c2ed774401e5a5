"""What a caller may choose, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, model_validator

from app.errors import IncompatibleOptionsError
from app.faces.detector import Face
from app.faces.identity import Identity
from app.faces.meter import Expression
from app.faces.quality import Quality
from app.faces.selection import FacesPolicy
from app.settings import ModelName

Output = Literal["photo", "face"]

FACES = "`one` is refused when there are several; `largest` and `all` choose among them."


class AnalyzeOptions(BaseModel, frozen=True, extra="forbid"):
    """What a caller may choose of an analysis."""

    faces: FacesPolicy = Field(default="all", description=f"Which faces are reported: {FACES}")


class Options(BaseModel, frozen=True, extra="forbid"):
    """What a caller may choose: the query of the API, the options of the command line.

    Raises:
        ValidationError: a value out of range, or of an option that there is not.
        IncompatibleOptionsError: the options do not go together.
    """

    model: ModelName | None = Field(
        default=None, description="photo or classic; default: as configured."
    )
    output: Output = Field(
        default="photo", description="The whole photograph, or the aligned face alone."
    )
    strength: float = Field(
        default=1.0, ge=0, le=1, description="0 leaves the expression, 1 removes it."
    )
    faces: FacesPolicy = Field(default="one", description=f"Which faces are edited: {FACES}")
    mark: bool = Field(
        default=False, description="Add a visible 'Altered by AI' label to an altered picture."
    )

    @model_validator(mode="after")
    def _compatible(self) -> Self:
        if self.output == "face" and self.faces == "all":
            # No ValueError: Pydantic lets it through as it is, with its own code.
            raise IncompatibleOptionsError(
                "output=face returns one crop; choose faces=one or faces=largest."
            )
        return self


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A face that was measured.

    Attributes:
        face: where it is, in photograph pixels.
        quality: components of ISO/IEC 29794-5 by name.
        expression: None without a meter.
    """

    face: Face
    quality: Mapping[str, Quality]
    expression: Expression | None


@dataclass(frozen=True, slots=True)
class EditedFace:
    """What was done to one face.

    Attributes:
        face, quality: as in `LookedAt`.
        crop_size: side S of the crop the network worked at.
        altered: whether any pixel was changed.
        altered_share: share of the returned picture's pixels that are mostly the network's.
        mean_change: mean absolute difference of those pixels to the input, grey levels (0 to 255).
        before, after: the expression; None without a meter.
        identity: None without the check.
    """

    face: Face
    quality: Mapping[str, Quality]
    crop_size: int
    altered: bool
    altered_share: float
    mean_change: float
    before: Expression | None = None
    after: Expression | None = None
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a photograph shows.

    Attributes:
        width, height: of the upright photograph in pixels.
        faces: those that the policy chooses, largest first.
        faces_found: how many there are.
        input_sha256: of the file.
        warnings: what the caller should know, in words.
        timings: milliseconds by stage.
    """

    width: int
    height: int
    faces: tuple[LookedAt, ...]
    faces_found: int
    input_sha256: str
    warnings: tuple[str, ...]
    timings: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to one photograph.

    Attributes:
        image: uint8 RGB, [H, W, 3] of the upright photograph or [S, S, 3] of the crop.
        png: the same as a file, with its provenance in it.
        mask: blending weight of every pixel of `image`, uint8; 0 = the input's own pixel.
        faces: the faces that were looked at, largest first.
        faces_found: how many the photograph shows.
        model, version, sha256, provider: what did it, and where it ran.
        input_sha256, output_sha256: of the two files.
        warnings: what the caller should know, in words.
        timings: milliseconds by stage.
    """

    image: NDArray[np.uint8]
    png: bytes
    mask: NDArray[np.uint8]
    faces: tuple[EditedFace, ...]
    faces_found: int
    model: str
    version: str
    sha256: str
    provider: str
    input_sha256: str
    output_sha256: str
    warnings: tuple[str, ...]
    timings: Mapping[str, float]

    @property
    def altered(self) -> bool:
        """Whether any pixel was changed."""
        return any(face.altered for face in self.faces)
