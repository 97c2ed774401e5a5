"""The options of a request, which come in its query, in its body, or in both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from app.api.upload import FIELD, JSON_FIELD
from app.errors import InvalidRequestError

Choices = TypeVar("Choices", bound=BaseModel)


def choose(
    kind: type[Choices],
    query: BaseModel,
    parameters: Iterable[tuple[str, str]],
    fields: Iterable[tuple[str, Any]],
) -> Choices:
    """The options of query and body together.

    Args:
        kind: what they become.
        query: what the query alone says; its type checks every field, but not how they go together.
        parameters: names and values of the query, some perhaps twice.
        fields: names and values of the body.

    Raises:
        InvalidRequestError: an option is not valid or unknown, or given twice with two values.
        IncompatibleOptionsError: the options do not go together.
    """
    given: dict[str, tuple[str, Any]] = {}
    sent = [*(("query", *each) for each in parameters), *(("body", *each) for each in fields)]
    for place, name, value in sent:
        read = _read(type(query), place, name, value)
        other, before = given.setdefault(name, (place, read))
        if before != read:
            raise _invalid(place, name, f"{read} here, but {before} in the {other}")
    return kind(**{name: value for name, (_, value) in given.items()})


def _read(kind: type[BaseModel], place: str, name: str, value: Any) -> Any:
    if not isinstance(value, str | int | float | bool | None):
        raise _invalid(place, name, "a single value is needed")
    try:
        return getattr(kind.model_validate({name: value}), name)
    except ValidationError as error:
        raise _invalid(place, name, error.errors()[0]["msg"]) from error


def _invalid(place: str, name: str, what: str) -> InvalidRequestError:
    where = f"{place}.{name[:64]}"
    return InvalidRequestError(f"{where}: {what}", errors=[{"where": where, "what": what}])


def request_body(kind: type[BaseModel]) -> dict[str, Any]:
    """The body for the OpenAPI document (FastAPI cannot derive it from a hand-read stream)."""
    options = kind.model_json_schema()["properties"]
    binary = {
        "type": "string",
        "format": "binary",
        "description": "A photograph: JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF; `/info` lists the "
        "formats.",
    }
    text = {"type": "string", "description": "The file in base64, or as a data URL."}

    def with_options(name: str, photograph: dict[str, Any]) -> dict[str, Any]:
        return {
            "schema": {
                "type": "object",
                "required": [name],
                "properties": {name: photograph, **options},
                "additionalProperties": False,
            }
        }

    return {
        "required": True,
        "content": {
            "multipart/form-data": with_options(FIELD, binary),
            "application/json": with_options(JSON_FIELD, text),
            "image/*": {"schema": binary},
        },
    }
