"""The JSON reports of /neutralize and /analyze."""

from __future__ import annotations

import base64
from dataclasses import asdict
from typing import NamedTuple

from pydantic import BaseModel, Field

from app.faces.advice import Code
from app.faces.identity import Identity
from app.faces.meter import Expression
from app.result import Analysis, EditedFace, LookedAt, Result


class QualityReport(BaseModel):
    """One quality component."""

    native: float = Field(description="The measured value.")
    unit: str = Field(description="Of the measured value, in words.")
    quality: int | None = Field(description="0 (worst) to 100; null where no mapping holds.")
    note: str = Field(description="How the measurement differs from the standard's, or empty.")


class ExpressionReport(BaseModel):
    """What the meter read."""

    score: float = Field(description="Sum of expression blendshapes; 0 is no expression.")
    lip_gap: float = Field(description="Distance of the inner lips / inter-eye distance.")
    eye_opening: float = Field(description="Distance of the lids / eye width.")


class ChangeOfExpression(BaseModel):
    """The expression before and after."""

    before: ExpressionReport
    after: ExpressionReport


class IdentityReport(BaseModel):
    """How alike the person is before and after, to a face recogniser."""

    similarity: float = Field(description="Cosine similarity, -1 to 1.")
    threshold: float = Field(description="Similarity from which on it counts as the same person.")
    model: str = Field(description="The recogniser.")
    preserved: bool = Field(description="Whether it counts as the same person.")


Point = tuple[float, float]
Row = tuple[float, float, float]


class Box(NamedTuple):
    """A face's box, in pixels of the upright photograph; it may reach beyond it."""

    x: float
    y: float
    width: float
    height: float


class Landmarks(NamedTuple):
    """Points (x, y) in pixels of the upright photograph.

    The person's right is on the image's left.
    """

    right_eye: Point
    left_eye: Point
    nose_tip: Point
    right_mouth_corner: Point
    left_mouth_corner: Point


class SeenFace(BaseModel):
    """A face in the photograph. Coordinates are pixels of the upright photograph."""

    number: int = Field(ge=1, description="What the option `face` takes to choose this face.")
    box: Box
    landmarks: Landmarks
    score: float = Field(description="The detector's confidence, 0 to 1.")
    inter_eye_distance: float = Field(description="Distance of the eye centres in pixels.")
    quality: dict[str, QualityReport] = Field(
        description="Components by their name in ISO/IEC 29794-5; only those really measured."
    )


class AdviceReport(BaseModel):
    """What the person could do for a better photograph."""

    code: Code = Field(description="Stable identifier for programs.")
    sentence: str = Field(description="For the person in the photograph.")
    measure: str = Field(
        description="A quality component, `expression`, `brightness` or `light_of_eyes`."
    )
    value: float = Field(
        description="Measured: a quality, an expression score, grey levels, or a share of light."
    )
    threshold: float = Field(description="What the value should reach; an expression, not exceed.")


class AnalyzedFace(SeenFace):
    """A face that was measured."""

    advice: list[AdviceReport] = Field(description="For a better photograph; empty: it will do.")
    expression: ExpressionReport | None = Field(None, description="Absent without a meter.")

    @classmethod
    def of(cls, looked_at: LookedAt) -> AnalyzedFace:
        """The report on a measured face."""
        return cls(
            **_describe(looked_at).model_dump(),
            advice=[AdviceReport(**asdict(each)) for each in looked_at.advice],
            expression=_expression(looked_at.expression),
        )


class FaceReport(SeenFace):
    """A face that was edited."""

    crop_size: int = Field(description="Side of the crop that the network worked at, in pixels.")
    altered: bool = Field(description="Whether any pixel was changed.")
    altered_share: float = Field(description="Share of the picture's pixels that were replaced.")
    mean_change: float = Field(
        description="Mean absolute difference of those pixels to the input, in grey levels."
    )
    gain: float = Field(
        description="By which the face was brighter for the networks; 1 unless it was dark."
    )
    expression: ChangeOfExpression | None = Field(None, description="Absent without a meter.")
    identity: IdentityReport | None = Field(None, description="Absent unless configured.")

    @classmethod
    def of(cls, edited: EditedFace) -> FaceReport:
        """The report on an edited face."""
        before, after = _expression(edited.before), _expression(edited.after)
        return cls(
            **_describe(edited).model_dump(),
            crop_size=edited.crop_size,
            altered=edited.altered,
            gain=edited.gain,
            altered_share=edited.altered_share,
            mean_change=edited.mean_change,
            expression=ChangeOfExpression(before=before, after=after) if before and after else None,
            identity=_identity(edited.identity),
        )


class Analyzed(BaseModel):
    """The answer of /analyze."""

    width: int = Field(description="Of the picture, in pixels.")
    height: int = Field(description="Of the picture, in pixels.")
    faces_found: int = Field(description="Faces that the photograph shows.")
    faces: list[AnalyzedFace] = Field(description="Those that `faces` chooses, largest first.")
    input_sha256: str = Field(description="Of the file that was sent, in hex.")
    warnings: list[str] = Field(description="What the caller should know, in words.")
    timings_ms: dict[str, float] = Field(description="Milliseconds of every stage.")

    @classmethod
    def of(cls, analysis: Analysis) -> Analyzed:
        """The document of an analysis."""
        return cls(
            width=analysis.width,
            height=analysis.height,
            faces_found=analysis.faces_found,
            faces=[AnalyzedFace.of(face) for face in analysis.faces],
            input_sha256=analysis.input_sha256,
            warnings=list(analysis.warnings),
            timings_ms=dict(analysis.timings),
        )


class Neutralized(BaseModel):
    """The answer of /neutralize when JSON was asked for."""

    altered: bool = Field(description="False when nothing was changed: already neutral.")
    width: int = Field(description="Of the picture, in pixels.")
    height: int = Field(description="Of the picture, in pixels.")
    faces_found: int = Field(description="Faces that the photograph shows.")
    faces: list[FaceReport] = Field(description="Those that were looked at, largest first.")
    model: str = Field(description="What altered it: photo or classic.")
    model_version: str = Field(description="From the manifest.")
    model_sha256: str = Field(description="Of the model's file, in hex.")
    provider: str = Field(
        description="The execution provider it ran on.", examples=["CPUExecutionProvider"]
    )
    input_sha256: str | None = Field(
        description="Of the file that was sent, in hex; null with report=minimal."
    )
    matrix: tuple[Row, Row] = Field(
        description="From pixels (x, y, 1) of the upright photograph to those of the picture."
    )
    output_sha256: str | None = Field(
        description="Of the picture's file, in hex; null with report=minimal."
    )
    warnings: list[str] = Field(description="What the caller should know, in words.")
    timings_ms: dict[str, float] = Field(description="Milliseconds of every stage.")
    media_type: str = Field(description="Of the picture's file.", examples=["image/png"])
    png_base64: str | None = Field(description="A PNG file, in base64; null in other formats.")
    image_base64: str | None = Field(
        description="A JPEG or WebP file, in base64; null where it is a PNG."
    )

    @classmethod
    def of(cls, result: Result) -> Neutralized:
        """The document of a result."""
        height, width = result.image.shape[:2]
        picture, is_png = base64.b64encode(result.file).decode(), result.format == "png"
        (a, b, c), (d, e, f) = result.matrix.tolist()
        return cls(
            altered=result.altered,
            width=width,
            height=height,
            faces_found=result.faces_found,
            faces=[FaceReport.of(face) for face in result.faces],
            model=result.model,
            model_version=result.version,
            model_sha256=result.sha256,
            provider=result.provider,
            input_sha256=result.input_sha256,
            output_sha256=result.output_sha256,
            warnings=list(result.warnings),
            timings_ms=dict(result.timings),
            matrix=((a, b, c), (d, e, f)),
            media_type=result.media_type,
            png_base64=picture if is_png else None,
            image_base64=None if is_png else picture,
        )


def _describe(seen: LookedAt | EditedFace) -> SeenFace:
    face = seen.face
    return SeenFace(
        number=seen.number,
        box=Box(*face.box),
        landmarks=Landmarks(*((float(x), float(y)) for x, y in face.landmarks)),
        score=face.score,
        inter_eye_distance=face.eye_distance,
        quality={
            name: QualityReport(native=q.native, unit=q.unit, quality=q.quality, note=q.note)
            for name, q in seen.quality.items()
        },
    )


def _expression(read: Expression | None) -> ExpressionReport | None:
    if read is None:
        return None
    return ExpressionReport(score=read.score, lip_gap=read.lip_gap, eye_opening=read.eye_opening)


def _identity(identity: Identity | None) -> IdentityReport | None:
    if identity is None:
        return None
    return IdentityReport(
        similarity=identity.similarity,
        threshold=identity.threshold,
        model=identity.model,
        preserved=identity.preserved,
    )
