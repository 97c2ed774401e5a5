"""What a caller may choose, and what does not go together."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from app.errors import IncompatibleOptionsError
from app.faces.selection import FACE_CHOICE, FacesPolicy
from app.imaging.formats import Format
from app.settings import ModelName

Output = Literal["photo", "face", "portrait"]
Report = Literal["full", "minimal"]

FACES = "`one` is refused when there are several; `largest` and `all` choose among them."
REGIONS = "^(brows|eyes|mouth)(,(brows|eyes|mouth)){0,2}$"
_FACE = (
    "One face among several: its number in the report's order, from 1 (largest) on, or `x,y`, a "
    "point on it in pixels of the upright photograph."
)


class AnalyzeOptions(BaseModel, frozen=True, extra="forbid"):
    """What a caller may choose of an analysis; `face` goes before `faces`."""

    faces: FacesPolicy = Field(default="all", description=f"Which faces are reported: {FACES}")
    face: str | None = Field(default=None, pattern=FACE_CHOICE, max_length=32, description=_FACE)


class Change(BaseModel, frozen=True, extra="forbid"):
    """How much of an expression goes, and where: of photographs and of moving pictures."""

    strength: float = Field(
        default=1.0, ge=0, le=1, description="0 leaves the expression, 1 removes it."
    )
    regions: str | None = Field(
        default=None,
        pattern=REGIONS,
        max_length=32,
        description="Parts of the face that change, of brows, eyes and mouth, separated by commas; "
        "default: all of them. Only with a model that can tell them apart (photo).",
    )

    @property
    def chosen_regions(self) -> frozenset[str]:
        """Parts of the face that change; empty is all of them."""
        return frozenset(self.regions.split(",")) if self.regions else frozenset()


class OptionFields(Change, frozen=True, extra="forbid"):
    """The options one by one: what does not go together comes out in `Options`."""

    model: ModelName | None = Field(
        default=None, description="photo or classic; default: as configured."
    )
    output: Output = Field(
        default="photo",
        description="The whole photograph, the aligned face alone, or a portrait cut as for a "
        "document.",
    )
    faces: FacesPolicy = Field(default="one", description=f"Which faces are edited: {FACES}")
    face: str | None = Field(default=None, pattern=FACE_CHOICE, max_length=32, description=_FACE)
    mark: bool = Field(
        default=False, description="Add a visible 'Altered by AI' label to an altered picture."
    )
    format: Format | None = Field(
        default=None, description="Of the picture: png, jpeg or webp; default: png."
    )
    quality: int | None = Field(
        default=None, ge=1, le=100, description="Of a JPEG or WebP; default: 95."
    )
    max_bytes: int | None = Field(
        default=None,
        ge=1024,
        le=2**31 - 1,
        description="Most bytes of the picture; a JPEG or WebP gets the best quality that fits.",
    )
    report: Report = Field(
        default="full",
        description="minimal leaves out the expression before and after and the hashes of both "
        "files, and answers sooner; the picture is the same.",
    )
    level: bool = Field(
        default=False,
        description="Turn the photograph until the eyes are level, and cut off the corners.",
    )
    aspect: float | None = Field(
        default=None, ge=0.5, le=2, description="Of a portrait: width / height; default: 7/9."
    )
    head_size: float | None = Field(
        default=None,
        ge=0.1,
        le=0.4,
        description="Of a portrait: distance of the eyes / width; default: 0.22.",
    )
    eye_line: float | None = Field(
        default=None,
        ge=0.2,
        le=0.7,
        description="Of a portrait: how far down the eyes are / height; default: 0.42.",
    )
    width: int | None = Field(
        default=None,
        ge=64,
        le=4096,
        description="Of a portrait, in pixels; default: as in the photograph.",
    )


class Options(OptionFields, frozen=True, extra="forbid"):
    """What a caller may choose: fields of the API's requests, options of the command line.

    Raises:
        ValidationError: a value out of range, or of an option that there is not.
        IncompatibleOptionsError: the options do not go together.
    """

    @model_validator(mode="after")
    def _compatible(self) -> Self:
        # No ValueError: Pydantic lets these through as they are, with their own code.
        alone = "level=true" if self.level else f"output={self.output}"
        if self.faces == "all" and (self.level or self.output != "photo"):
            raise IncompatibleOptionsError(
                f"{alone} is about one face; choose faces=one, faces=largest or face."
            )
        if self.face is not None and self.faces != "one":
            raise IncompatibleOptionsError(
                f"face and faces={self.faces} both choose; give one of them."
            )
        frame = ("aspect", "head_size", "eye_line", "width")
        given = [name for name in frame if getattr(self, name) is not None]
        if given and self.output != "portrait":
            raise IncompatibleOptionsError(f"{given[0]} is for output=portrait.")
        return self

    def for_format(self, default: Format = "png") -> Self:
        """The same with its format decided.

        Raises:
            IncompatibleOptionsError: a PNG has no quality.
        """
        chosen = self.format or default
        if chosen == "png" and self.quality is not None:
            raise IncompatibleOptionsError(
                "quality is for format=jpeg or format=webp, not for png."
            )
        return self.model_copy(update={"format": chosen})
