"""The settings as a Markdown page: `python -m deploy.settings_table > docs/configuration.md`."""

from __future__ import annotations

import re
from typing import Any, get_args

from app.settings import DEFAULT_MODELS_DIR, Settings

_HEAD = """\
# Configuration

Every setting is an environment variable, or a line in a file `.env` in the working directory.
`stoicnet serve --help` lists the few that are also options of the command line. A value that is not
valid ends the start with exit code 3 and says which.

This page is generated from `app/settings.py` by `python -m deploy.settings_table`.

| variable | values | default | |
|---|---|---|---|
"""


def _values(field: Any) -> str:
    """The type and its bounds, for people."""
    options = get_args(field.annotation)
    if options and all(isinstance(option, str) for option in options):
        return ", ".join(f"`{option}`" for option in options)
    text = re.sub(r"\b(pathlib\.|pydantic\.types\.)", "", _type_name(field.annotation))
    signs = {"ge": "at least", "gt": "over", "le": "at most", "lt": "under"}
    bounds = [
        f"{sign} {value:g}"
        for limit, sign in signs.items()
        for rule in field.metadata
        if (value := getattr(rule, limit, None)) is not None
    ]
    return ", ".join([text, *bounds])


def _type_name(annotation: Any) -> str:
    names = {"int": "integer", "float": "number", "bool": "`true` or `false`", "Path": "path"}
    names |= {"SecretStr": "text", "str": "text", "list": "JSON list"}
    parts = [part for part in get_args(annotation) if part is not type(None)]
    if parts and not str(annotation).startswith("list"):
        return " or ".join(_type_name(part) for part in parts)
    name = str(getattr(annotation, "__name__", annotation))
    return names.get(name, name)


def _default(value: Any) -> str:
    if value is None or value == []:
        return "unset"
    if value == DEFAULT_MODELS_DIR:
        return "`onnx_models` beside `app`"
    text = str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)
    if isinstance(value, bool):
        text = text.lower()
    return f"`{text}`" if text else "unset"


def markdown() -> str:
    """The page."""
    rows = [
        f"| `STOICNET_{name.upper()}` | {_values(field)} | {_default(field.default)} "
        f"| {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return _HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
