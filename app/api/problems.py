"""Errors as RFC 9457 problem details (`application/problem+json`)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.errors import InvalidRequestError, StoicNetError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class MalformedUploadError(StoicNetError):
    status = 400
    code = "malformed_upload"
    title = "The upload cannot be read"
    example = "The form has no file in the field 'file'."


class UnsupportedMediaTypeError(StoicNetError):
    status = 415
    code = "unsupported_media_type"
    title = "The request body has the wrong type"
    example = "Send the photograph as multipart/form-data in the field 'file'."


class UnauthorizedError(StoicNetError):
    status = 401
    code = "unauthorized"
    title = "An API key is needed"
    example = "Send a valid key as `Authorization: Bearer KEY` or `X-API-Key: KEY`."


class UploadTooSlowError(StoicNetError):
    status = 408
    code = "upload_too_slow"
    title = "The upload took too long"
    example = "The upload was not complete after 30 seconds."


class ClientGoneError(StoicNetError):
    status = 499  # nobody reads it; the logs and metrics do
    code = "client_gone"
    title = "The client went away"


class NotReadyError(StoicNetError):
    status = 503
    code = "not_ready"
    title = "The service is not ready"
    example = "The models are not loaded (starting or stopping); try again soon."


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


async def _answer_refusal(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StoicNetError)
    response = problem(request, error.status, error.code, error.title, error.detail, **error.facts)
    if "retry_after" in error.facts:
        response.headers["Retry-After"] = str(error.facts["retry_after"])
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


async def _answer_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [
        {"where": ".".join(str(part) for part in fault["loc"]), "what": fault["msg"]}
        for fault in error.errors()
    ]
    detail = "; ".join(f"{fault['where']}: {fault['what']}" for fault in faults)
    return await _answer_refusal(request, InvalidRequestError(detail, errors=faults))


async def _answer_http(request: Request, error: Exception) -> JSONResponse:
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


async def _answer_fault(request: Request, error: Exception) -> JSONResponse:
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
    app.add_exception_handler(StoicNetError, _answer_refusal)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Exception, _answer_fault)
