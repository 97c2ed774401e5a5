"""The JSON documents of the API."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from app.settings import Device, ModelName


class Problem(BaseModel):
    """RFC 9457 problem details, the body of every error."""

    type: str = Field(
        "about:blank", description="There is no page about it.", examples=["about:blank"]
    )
    title: str = Field(
        description="The kind of failure, the same for every occurrence.",
        examples=["No face was found"],
    )
    status: int = Field(description="The HTTP status.", examples=[422])
    detail: str = Field(
        description="What happened this time and what to do about it.",
        examples=["No face was found. The photograph should show a face ..."],
    )
    code: str = Field(description="Stable identifier for programs.", examples=["no_face"])
    instance: str = Field(description="The path that was asked.", examples=["/neutralize"])
    request_id: str | None = Field(
        None,
        description="For the operator: the log has it.",
        examples=["7f1c0d3e5b8a4c6f9e2d1a0b3c4d5e6f"],
    )


class PlacementInfo(BaseModel):
    """Where the nodes of a model's graph run, from one profiled run of it."""

    nodes: dict[str, int] = Field(
        description="Nodes of each execution provider. ONNX Runtime puts the arithmetic of shapes "
        "on the CPU on a GPU too."
    )
    copies: int = Field(
        ge=0, description="Nodes that only copy a tensor between the GPU's memory and the CPU's."
    )
    pixels_on_cpu: dict[str, int] = Field(
        description="Of the nodes on the CPU, those that read or write more than shapes and "
        "scalars, by operator. On a GPU it should be empty."
    )


class ModelInfo(BaseModel):
    """One loaded model."""

    version: str = Field(description="From the manifest.")
    sha256: str = Field(description="Of its fused graph, in hex.")
    provider: str = Field(description="The first execution provider of the session.")
    placement: PlacementInfo | None = Field(
        description="Where its nodes run; null on the CPU, where no profiled run is made."
    )
    crop_sizes: list[int] = Field(description="Sides of the crops it takes, in pixels.")
    regions: list[str] = Field(
        description="Parts of the face that it can change alone; empty where it cannot."
    )
    licence: str = Field(description="What its file says of its licence.")
    training_data: str = Field(description="What its file says it was trained on.")
    metadata: dict[str, Any] = Field(description="What the ONNX file says of itself.")
    quality: dict[str, Any] = Field(description="Measured quality, from the manifest.")


class MeterInfo(BaseModel):
    """The loaded meter."""

    version: str = Field(description="From the manifest.")
    sha256: str = Field(description="Of its file, in hex.")
    licence: str = Field(description="What its file says of its licence.")
    training_data: str = Field(description="What its file says it was trained on.")


class Limits(BaseModel):
    """What is refused."""

    max_bytes: int = Field(description="Largest file, in bytes.")
    max_pixels: int = Field(description="Most pixels, width x height.")
    max_side: int = Field(description="Longest side, in pixels.")
    min_eye_distance: float = Field(description="Least distance of the eye centres, in pixels.")
    max_faces: int = Field(description="Most faces edited with faces=all.")


class Info(BaseModel):
    """What runs here."""

    name: str = Field(description="Of the software.")
    version: str = Field(description="Of the software.")
    device: Device = Field(description="The device that was asked for.")
    provider: str = Field(description="What the default model really runs on.")
    default_model: ModelName = Field(description="Used when a request names none.")
    models: dict[str, ModelInfo] = Field(description="By name.")
    meter: MeterInfo | None = Field(
        description="What measures expressions; null: reports have no expression."
    )
    identity: str = Field(description="The identity check: off, warn or refuse.")
    formats: list[str] = Field(description="Kinds of image that are accepted.")
    limits: Limits
    notice: str = Field(description="What the operator should know of the law.")


class Health(BaseModel):
    """The answer of the probes."""

    status: str = Field(description="`ok`; anything else is a problem document.", examples=["ok"])
