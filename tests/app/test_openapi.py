"""The OpenAPI document: what it promises is what is sent, and everything has an example."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from app.api import examples
from app.api.accept import check_json, wanted_kind
from app.api.documented import FACTS
from app.api.reports import Analyzed, Neutralized
from app.api.schemas import Health, Info
from app.errors import NotAcceptableError
from app.main import create_app
from app.settings import Settings


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(Settings()).openapi()


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (path, operation) for path, item in document["paths"].items() for operation in item.values()
    ]


def test_every_status_of_every_route_has_an_example(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        for status, answer in operation["responses"].items():
            kinds = {k: v for k, v in answer["content"].items() if not k.startswith("image/")}
            assert kinds, (path, status)
            assert status == "200" or list(kinds) == ["application/problem+json"]
            for kind, content in kinds.items():
                assert content.get("example") or content.get("examples"), (path, status, kind)


@pytest.mark.parametrize(
    ("model", "example"),
    [
        (Health, examples.OK),
        (Info, examples.INFO),
        (Analyzed, examples.ANALYZED),
        (Neutralized, examples.NEUTRALIZED),
    ],
)
def test_examples_are_answers(model: type[BaseModel], example: dict[str, Any]) -> None:
    """Nothing missing, nothing invented, at any depth."""
    assert model.model_validate(example).model_dump(mode="json") == example


def test_headers_and_keys_are_described(document: dict[str, Any]) -> None:
    neutralize = document["paths"]["/neutralize"]["post"]
    assert set(neutralize["responses"]["200"]["headers"]) == set(FACTS)
    assert "Retry-After" in neutralize["responses"]["429"]["headers"]
    assert "WWW-Authenticate" in neutralize["responses"]["401"]["headers"]
    schemes = document["components"]["securitySchemes"]
    for path in ("/neutralize", "/analyze"):
        wanted = document["paths"][path]["post"]["security"]
        assert {} in wanted, "a key is not needed everywhere"
        assert {name for each in wanted for name in each} == set(schemes)
    assert "security" not in document["paths"]["/livez"]["get"]


def test_operations_have_names_and_fields_descriptions(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        assert operation["operationId"] == path.strip("/")
        assert operation["tags"]
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        for field, described in schema.get("properties", {}).items():
            assert described.get("description") or "$ref" in described, (name, field)
    assert [each["title"] for each in schemas["Landmarks"]["prefixItems"]][:2] == [
        "Right Eye",
        "Left Eye",
    ]


def test_every_reference_leads_to_a_schema(document: dict[str, Any]) -> None:
    def references(part: Any) -> set[str]:
        if isinstance(part, dict):
            own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
            return own.union(*map(references, part.values()))
        return set().union(*map(references, part)) if isinstance(part, list) else set()

    schemas = document["components"]["schemas"]
    found = references(document)
    assert "#/components/schemas/Problem" in found
    assert found == {f"#/components/schemas/{name}" for name in schemas}


@pytest.mark.parametrize(
    ("accept", "json", "picture"),
    [
        ("", False, "png"),
        ("*/*", False, "png"),
        ("image/png", False, "png"),
        ("image/*", False, "png"),
        ("image/jpeg", False, "jpeg"),
        ("image/webp, image/jpeg;q=0.9", False, "webp"),
        ("image/png;q=0, image/*", False, "jpeg"),
        ("image/avif, image/jpeg, */*;q=0.1", False, "jpeg"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False, "png"),
        ("application/json", True, "png"),
        ("Application/JSON; charset=utf-8", True, "png"),
        ("application/json, text/plain, */*", True, "png"),
        ("application/json;q=0.5, */*", False, "png"),
        ("application/json, image/png", False, "png"),
        ("application/json, image/jpeg", False, "jpeg"),
        ("application/json, image/png;q=0.5", True, "png"),
        ("application/json;q=0.4, image/png;q=0.5", False, "png"),
        (",;,=", None, None),
        ("application/json;q=none", None, None),
        ("text/plain", None, None),
        ("image/avif", None, None),
    ],
)
def test_the_picture_is_the_default_and_json_has_to_be_asked_for(
    accept: str, json: bool | None, picture: str | None
) -> None:
    if json is None:
        with pytest.raises(NotAcceptableError):
            wanted_kind(accept)
    else:
        assert wanted_kind(accept) == (json, picture)


def test_a_format_has_to_be_among_what_is_accepted() -> None:
    assert wanted_kind("", "webp") == (False, "webp")
    assert wanted_kind("application/json", "jpeg") == (True, "jpeg")
    assert wanted_kind("image/*, application/json;q=0.5", "jpeg") == (False, "jpeg")
    with pytest.raises(NotAcceptableError, match="format=jpeg"):
        wanted_kind("image/png", "jpeg")
    check_json("*/*")
    check_json("text/html, application/json;q=0.1")
    with pytest.raises(NotAcceptableError):
        check_json("image/png")
