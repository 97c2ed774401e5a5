"""Errors as RFC 9457 problem details (`application/problem+json`)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.errors import StoicNetError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUS_BY_CODE: Mapping[str, int] = {
    "not_an_image": 400,
    "damaged_image": 400,
    "malformed_upload": 400,
    "too_many_bytes": 413,
    "too_many_pixels": 413,
    "unsupported_image": 415,
    "unsupported_media_type": 415,
    "no_face": 422,
    "multiple_faces": 422,
    "face_too_small": 422,
    "face_cut_off": 422,
    "model_not_available": 422,
    "incompatible_options": 422,
    "identity_not_preserved": 422,
    "unauthorized": 401,
    "upload_too_slow": 408,
    "queue_full": 429,
    "client_gone": 499,  # nobody reads it; the logs and metrics do
    "abandoned": 499,
    "not_ready": 503,
    "inference_failed": 503,
    "audit_failed": 503,
    "deadline_exceeded": 504,
}
"""The status of every code that a request can meet."""


class MalformedUploadError(StoicNetError):
    code = "malformed_upload"
    title = "The upload cannot be read"


class UnsupportedMediaTypeError(StoicNetError):
    code = "unsupported_media_type"
    title = "The request body has the wrong type"


class UnauthorizedError(StoicNetError):
    code = "unauthorized"
    title = "An API key is needed"


class UploadTooSlowError(StoicNetError):
    code = "upload_too_slow"
    title = "The upload took too long"


class ClientGoneError(StoicNetError):
    code = "client_gone"
    title = "The client went away"


class NotReadyError(StoicNetError):
    code = "not_ready"
    title = "The service is not ready"


def problem(
    request: Request, status: int, code: str, title: str, detail: str, **facts: Any
) -> JSONResponse:
    """A problem document; `facts` become further members of it."""
    request.state.code = code  # for the metrics and the log
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "instance": request.url.path,
        "request_id": getattr(request.state, "request_id", None),
        **facts,
    }
    return JSONResponse(body, status, media_type=MEDIA_TYPE)


async def _expected(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StoicNetError)
    status = STATUS_BY_CODE.get(error.code, 500)
    response = problem(request, status, error.code, error.title, error.detail, **error.facts)
    if "retry_after" in error.facts:
        response.headers["Retry-After"] = str(error.facts["retry_after"])
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [
        {"where": ".".join(str(part) for part in fault["loc"]), "what": fault["msg"]}
        for fault in error.errors()
    ]
    detail = "; ".join(f"{fault['where']}: {fault['what']}" for fault in faults)
    return problem(
        request, 422, "invalid_request", "The request is not valid", detail, errors=faults
    )


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase
    code = title.lower().replace(" ", "_")
    detail = str(error.detail)
    if error.status_code == 404:
        detail = f"There is no {request.url.path} here; /docs lists what there is."
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        detail = f"{request.url.path} does not answer {request.method}, only {allowed}."
    response = problem(request, error.status_code, code, title, detail)
    response.headers.update(error.headers or {})
    return response


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    # The server logs the traceback; this line connects it with what the client was told.
    request_id = getattr(request.state, "request_id", None)
    log.error("request %s on %s failed: %r", request_id, request.url.path, error)
    return problem(
        request,
        500,
        "internal_error",
        "Internal error",
        "The service met an error of its own. The log has it under this request_id.",
    )


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""
    app.add_exception_handler(StoicNetError, _expected)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)
