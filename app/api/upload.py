"""Reading the uploaded photograph: counted as it arrives, kept in memory, never on disk."""

from __future__ import annotations

import base64
import binascii
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import anyio.to_thread
from fastapi import Request
from pydantic_core import from_json
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from app.api.problems import MalformedUploadError, UnsupportedMediaTypeError
from app.errors import InvalidRequestError, TooManyBytesError

FIELD, JSON_FIELD = "file", "image"
_OVERHEAD = 64 * 1024  # boundary, part headers, options, stray fields


@dataclass(frozen=True, slots=True)
class Upload:
    """The body of a request.

    Attributes:
        data: the photograph's file.
        fields: what else is in the body: name and value, text from a form and anything from JSON.
    """

    data: bytes
    fields: list[tuple[str, Any]] = field(default_factory=list)


class _InMemoryParser(MultiPartParser):
    spool_max_size = sys.maxsize  # the default spools uploads over 1 MB to a temporary file


async def read_upload(request: Request, max_bytes: int) -> Upload:
    """The photograph and the options of a body, which is a form, an image file or JSON.

    Args:
        request: its body has not been read yet.
        max_bytes: larger photographs are refused, at once when Content-Length already says so.

    Raises:
        TooManyBytesError: the body is too large.
        UnsupportedMediaTypeError: the body is none of these.
        MalformedUploadError: the body is broken, or a form has no such file.
        InvalidRequestError: the JSON has no image.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    in_base64 = media_type == "application/json"
    most = (max_bytes * 4 // 3 if in_base64 else max_bytes) + _OVERHEAD
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most:
        raise _too_many(max_bytes)
    try:
        if media_type == "multipart/form-data":
            return await _from_form(request, _counted(request, most, max_bytes))
        if in_base64:
            body = await _whole(_counted(request, most, max_bytes))
            return await anyio.to_thread.run_sync(_from_json, body)
        if media_type.startswith("image/") or media_type == "application/octet-stream":
            return Upload(await _whole(_counted(request, most, max_bytes)))
    except ClientDisconnect as error:
        raise MalformedUploadError(
            "The client went away before the upload was complete."
        ) from error
    raise UnsupportedMediaTypeError(
        f"Send the photograph as multipart/form-data in the field '{FIELD}' (`curl -F "
        f"{FIELD}=@photo.jpg`), as the body itself with its type (image/jpeg), or as "
        f'application/json: {{"{JSON_FIELD}": "BASE64"}}. The request has '
        f"{media_type or 'no content type'}."
    )


async def _counted(request: Request, most: int, max_bytes: int) -> AsyncGenerator[bytes, None]:
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > most:
            raise _too_many(max_bytes)
        yield chunk


def _too_many(max_bytes: int) -> TooManyBytesError:
    return TooManyBytesError(f"At most {max_bytes} bytes are accepted.", max_bytes=max_bytes)


async def _whole(chunks: AsyncGenerator[bytes, None]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def _from_form(request: Request, chunks: AsyncGenerator[bytes, None]) -> Upload:
    parser = _InMemoryParser(
        request.headers, chunks, max_files=1, max_fields=32, max_part_size=_OVERHEAD
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise MalformedUploadError(error.message) from error
    uploaded = form.get(FIELD)
    if not isinstance(uploaded, UploadFile):
        raise MalformedUploadError(f"The form has no file in the field '{FIELD}'.")
    data = await uploaded.read()
    await form.close()
    return Upload(data, [(name, value) for name, value in form.multi_items() if name != FIELD])


def _from_json(body: bytes) -> Upload:
    try:
        document = from_json(body)
    except ValueError as error:
        raise MalformedUploadError(f"The body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise MalformedUploadError("The body is JSON, but no object with an image.")
    text = document.pop(JSON_FIELD, None)
    if not isinstance(text, str):
        raise _no_image("a file in base64, or a data URL, is needed")
    head, comma, rest = text.partition(",")
    if comma and not (head.startswith("data:") and head.endswith(";base64")):
        raise _no_image("a data URL begins with data:image/jpeg;base64, or another type")
    # Lines and the alphabet of URLs are taken too, padding or not.
    plain = "".join((rest if comma else text).split()).translate(str.maketrans("-_", "+/"))
    plain = plain.rstrip("=")
    try:
        data = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _no_image(f"not base64: {error}; URLs are not fetched") from error
    return Upload(data, list(document.items()))


def _no_image(what: str) -> InvalidRequestError:
    where = f"body.{JSON_FIELD}"
    return InvalidRequestError(f"{where}: {what}", errors=[{"where": where, "what": what}])
