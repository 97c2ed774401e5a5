"""The JSON documents of the API."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from app.settings import Device, ModelName


class Problem(BaseModel):
    """RFC 9457 problem details, the body of every error."""

    type: str = Field("about:blank", examples=["about:blank"])
    title: str = Field(examples=["No face was found"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["No face was found. The photograph should show a face ..."])
    code: str = Field(description="Stable identifier for programs.", examples=["no_face"])
    instance: str = Field(examples=["/neutralize"])
    request_id: str | None = Field(None, examples=["7f1c0d3e5b8a4c6f9e2d1a0b3c4d5e6f"])


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

    version: str
    sha256: str
    provider: str = Field(description="The first execution provider of the session.")
    placement: PlacementInfo | None = Field(
        description="Where its nodes run; null on the CPU, where no profiled run is made."
    )
    crop_sizes: list[int]
    metadata: dict[str, Any] = Field(description="What the ONNX file says of itself.")
    quality: dict[str, Any] = Field(description="Measured quality, from the manifest.")


class MeterInfo(BaseModel):
    """The loaded meter."""

    version: str
    sha256: str


class Limits(BaseModel):
    """What is refused."""

    max_bytes: int
    max_pixels: int
    max_side: int
    min_eye_distance: float
    max_faces: int


class Info(BaseModel):
    """What runs here."""

    name: str
    version: str
    device: Device = Field(description="The device that was asked for.")
    provider: str = Field(description="What the default model really runs on.")
    default_model: ModelName
    models: dict[str, ModelInfo]
    meter: MeterInfo | None = Field(
        description="What measures expressions; null: reports have no expression."
    )
    identity: str = Field(description="The identity check: off, warn or refuse.")
    formats: list[str]
    limits: Limits
    notice: str


class Health(BaseModel):
    """The answer of the probes."""

    status: str = Field(examples=["ok"])
