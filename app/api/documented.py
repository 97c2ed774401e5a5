"""The answers in the OpenAPI document: every status with an example, every error code with one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from app.api import examples
from app.api.problems import MEDIA_TYPE
from app.api.schemas import Problem
from app.errors import StoicNetError


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
    "X-StoicNet-Altered": _header("`false`: no face was changed.", "true"),
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


def _example(kind: type[StoicNetError]) -> dict[str, Any]:
    body = Problem(
        type="about:blank",
        title=kind.title,
        status=kind.status,
        detail=kind.example,
        code=kind.code,
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
    documented: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        kinds = [kind for kind in StoicNetError.kinds() if kind.status == status]
        documented[status] = {
            "description": ". ".join(kind.title for kind in kinds),
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {kind.code: _example(kind) for kind in kinds},
                }
            },
        }
        if status in _HEADERS:
            documented[status]["headers"] = _HEADERS[status]
    return documented
