"""Reading the uploaded photograph: counted as it arrives, kept in memory, never on disk."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from app.api.problems import MalformedUploadError, UnsupportedMediaTypeError
from app.errors import TooManyBytesError

FIELD = "file"
_OVERHEAD = 64 * 1024  # boundary, part headers and stray fields

REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": [FIELD],
                "properties": {
                    FIELD: {
                        "type": "string",
                        "format": "binary",
                        "description": "A photograph: JPEG, PNG, WebP, BMP or TIFF; "
                        "`/info` lists the formats.",
                    }
                },
            }
        }
    },
}
"""The body for the OpenAPI document (FastAPI cannot derive it from a hand-read stream)."""


class _InMemoryParser(MultiPartParser):
    spool_max_size = sys.maxsize  # the default spools uploads over 1 MB to a temporary file


async def _count(request: Request, max_bytes: int) -> AsyncGenerator[bytes, None]:
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > max_bytes + _OVERHEAD:
            raise _too_many(max_bytes)
        yield chunk


def _too_many(max_bytes: int) -> TooManyBytesError:
    return TooManyBytesError(f"At most {max_bytes} bytes are accepted.", max_bytes=max_bytes)


async def read_photograph(request: Request, max_bytes: int) -> bytes:
    """The bytes of the multipart field `file`.

    Args:
        request: its body has not been read yet.
        max_bytes: larger uploads are refused, at once when Content-Length already says so.

    Raises:
        TooManyBytesError: the body is too large.
        UnsupportedMediaTypeError: the body is not multipart/form-data.
        MalformedUploadError: the multipart body is broken, or has no such file.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "multipart/form-data":
        raise UnsupportedMediaTypeError(
            f"Send the photograph as multipart/form-data in the field '{FIELD}', for example "
            f"`curl -F {FIELD}=@photo.jpg`; the request has {media_type or 'no content type'}."
        )
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_bytes + _OVERHEAD:
        raise _too_many(max_bytes)
    parser = _InMemoryParser(
        request.headers,
        _count(request, max_bytes),
        max_files=1,
        max_fields=8,
        max_part_size=_OVERHEAD,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise MalformedUploadError(error.message) from error
    except ClientDisconnect as error:
        raise MalformedUploadError(
            "The client went away before the upload was complete."
        ) from error
    uploaded = form.get(FIELD)
    if not isinstance(uploaded, UploadFile):
        raise MalformedUploadError(f"The form has no file in the field '{FIELD}'.")
    data = await uploaded.read()
    await form.close()
    return data
