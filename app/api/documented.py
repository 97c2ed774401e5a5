"""The answers in the OpenAPI document: every status with an example, every error code with one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from app.api import examples
from app.api.problems import MEDIA_TYPE, STATUS_BY_CODE
from app.api.schemas import Problem

MEANINGS: Mapping[int, str] = {
    400: "Not an image, a damaged one, or a malformed upload",
    401: "No API key, or a wrong one (only where keys are configured)",
    408: "The upload took too long",
    413: "Too many bytes or pixels",
    415: "Not multipart, or an unsupported kind of image",
    422: "No face, several faces, one too small or cut off, or invalid options",
    429: "Too many requests are waiting; Retry-After says when to come again",
    503: "Starting, stopping, or the model cannot be run",
    504: "Not done within the deadline",
}

DETAILS: Mapping[str, str] = {
    "not_an_image": "The file does not begin like any known image (31 bytes). Send one of JPEG, "
    "PNG, WebP, BMP, TIFF.",
    "damaged_image": "The JPEG file cannot be decoded: image file is truncated",
    "malformed_upload": "The form has no file in the field 'file'.",
    "unauthorized": "Send a valid key as `Authorization: Bearer KEY` or `X-API-Key: KEY`.",
    "upload_too_slow": "The upload was not complete after 30 seconds.",
    "too_many_bytes": "At most 20971520 bytes are accepted.",
    "too_many_pixels": "The image is 10000 x 10000; at most 50000000 pixels and 16384 on a side "
    "are accepted.",
    "unsupported_image": "This is a GIF file. Send one of JPEG, PNG, WebP, BMP, TIFF.",
    "unsupported_media_type": "Send the photograph as multipart/form-data in the field 'file'.",
    "no_face": "No face was found. The photograph should show a face from the front, upright and "
    "well lit.",
    "multiple_faces": "2 faces were found, one is expected. Send a photograph of one person, or "
    "choose faces=largest or faces=all.",
    "face_too_small": "The eyes are 11 pixels apart; at least 24 are needed.",
    "face_cut_off": "A part of the face lies outside the photograph.",
    "model_not_available": "The model classic is not installed here; there is: photo.",
    "incompatible_options": "output=face returns one crop; choose faces=one or faces=largest.",
    "invalid_request": "query.strength: Input should be less than or equal to 1",
    "identity_not_preserved": "The recogniser no longer takes the face for the same person.",
    "queue_full": "34 requests are accepted already; try again later.",
    "not_ready": "The models are not loaded (starting or stopping); try again soon.",
    "inference_failed": "The model could not be run.",
    "audit_failed": "The audit log cannot be written; nothing was answered.",
    "deadline_exceeded": "No answer within 30 seconds of the upload.",
}
"""What an occurrence of each code says."""


def _header(description: str, example: str, kind: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind}, "example": example}


_HEADERS: Mapping[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": _header("How to send a key.", "Bearer")},
    429: {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}},
}

STAGES: dict[str, Any] = {
    "X-Request-ID": _header("Yours if you sent one; it is in the log.", "7f1c0d3e5b8a4c6f"),
    "Server-Timing": _header("Milliseconds of every stage.", "decode;dur=14.3, detect;dur=21.0"),
}
"""Headers of every answer about a photograph."""

FACTS: dict[str, Any] = {
    "X-StoicNet-Model": _header("Name and version.", "photo/0.1.0"),
    "X-StoicNet-Provider": _header("Where it really ran.", "CPUExecutionProvider"),
    "X-StoicNet-Altered": _header("`false`: every pixel is the input's.", "true"),
    "X-StoicNet-Face-Box": _header(
        "x,y,width,height in pixels of the upright photograph; several separated by `; `.",
        "178,63,90,113",
    ),
    "X-StoicNet-Expression-Before": _header("Only with a meter; one a face.", "4.988"),
    "X-StoicNet-Expression-After": _header("Only with a meter; one a face.", "2.253"),
    "X-StoicNet-Warnings": _header("Only if there are any.", "1 other face(s) were left ..."),
    **STAGES,
}
"""Headers of a neutralized photograph."""

METRICS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Metrics in Prometheus' format",
        "content": {
            "text/plain": {"example": "stoicnet_requests_waiting 0.0\nstoicnet_ready 1.0\n"}
        },
    }
}


def _good(example: Mapping[str, Any]) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {"application/json": {"example": example}}}}


INFO, OK = _good(examples.INFO), _good(examples.OK)
ANALYZED, NEUTRALIZED = examples.ANALYZED, examples.NEUTRALIZED


def _example(code: str, status: int) -> dict[str, Any]:
    body = Problem(
        type="about:blank",
        title=code.replace("_", " ").capitalize(),
        status=status,
        detail=DETAILS[code],
        code=code,
        instance="/neutralize",
        request_id="7f1c0d3e5b8a4c6f9e2d1a0b3c4d5e6f",
    )
    return {"value": body.model_dump()}


def install(app: FastAPI) -> None:
    """Add the problem document to the schemas of `app`'s description.

    As a route's `model` it would be there by itself, and each error be said to come as
    `application/json` too.
    """
    build = app.openapi

    def openapi() -> dict[str, Any]:
        document = build()
        document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that can answer with these statuses."""
    codes = {**STATUS_BY_CODE, "invalid_request": 422}
    documented: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        examples = {
            code: _example(code, status)
            for code, found in codes.items()
            if found == status and code in DETAILS
        }
        documented[status] = {
            "description": MEANINGS[status],
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": examples,
                }
            },
        }
        if status in _HEADERS:
            documented[status]["headers"] = _HEADERS[status]
    return documented
