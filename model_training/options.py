"""From a configuration to options, and whether their values may be what they are.

A command's configuration is a frozen dataclass of a torch-free `config.py`; tyro makes an option of
each field, and its help of the field's line under `Attributes:`. Fields of nested dataclasses are
options like the others, tuples of any length are options that can be repeated. The bounds of a
field are part of its type (`Ge(1)`, `DirectoryPath`), and pydantic checks them.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from tyro.conf import OmitArgPrefixes, UseAppendAction

from model_training.errors import UsageError

TYRO = (OmitArgPrefixes, UseAppendAction)
"""How tyro makes options of the fields."""

Item = TypeVar("Item")


def _given(values: tuple[Any, ...]) -> tuple[Any, ...]:
    # Before the items are looked at: `MinLen` would count the valid ones.
    if not values:
        raise PydanticCustomError("not_given", "At least one is needed")
    return values


Many = Annotated[tuple[Item, ...], BeforeValidator(_given)]
"""A repeatable option that has to be given."""


def _exists(path: Path) -> Path:
    if not path.exists():
        raise PydanticCustomError("path_not_there", "Path does not exist")
    return path


ExistingPath = Annotated[Path, AfterValidator(_exists)]
"""A file or a folder."""


def mistakes(config: Any) -> list[ErrorDetails]:
    """The values that are out of their bounds, paths where nothing is included."""
    try:
        TypeAdapter(type(config)).validate_python(asdict(config))
    except ValidationError as error:
        return error.errors()
    return []


def check(config: Any) -> None:
    """Check the bounds of every field, before anything is done.

    Raises:
        UsageError: a value is out of its bounds, or a file or folder is not there.
    """
    found = [
        f"--{_option(mistake['loc'])}: {mistake['msg']}: {mistake['input']}"
        for mistake in mistakes(config)
    ]
    if found:
        raise UsageError("; ".join(found))


def _option(place: tuple[int | str, ...]) -> str:
    return [name for name in place if isinstance(name, str)][-1].replace("_", "-")
