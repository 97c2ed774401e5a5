"""Which kind of answer a request asks for with its header Accept and the option `format`."""

from __future__ import annotations

from typing import get_args

from app.errors import NotAcceptableError
from app.imaging.formats import Format

_JSON = "application/json"
_PICTURES = tuple(f"image/{name}" for name in get_args(Format))


def wanted_kind(accept: str, given: Format | None = None) -> tuple[bool, Format]:
    """Whether a JSON report is wanted, and the format of the picture (in it).

    The picture is the default, and PNG among pictures: JSON has to be named, with more weight than
    any picture that is named and no less than a wildcard.

    Args:
        accept: the header, or "".
        given: the option `format`, which has to be among what is accepted.

    Raises:
        NotAcceptableError: nothing that is accepted is served.
    """
    weights = _weights(accept)
    any_kind = weights.get("*/*", 0.0)
    any_picture = weights.get("image/*", any_kind)
    pictures = {name: weights.get(f"image/{name}", any_picture) for name in get_args(Format)}
    if given is not None:
        pictures = {given: pictures[given]}
    best: Format = max(pictures, key=lambda name: pictures[name])
    named = max((weights[kind] for kind in _PICTURES if kind in weights), default=0.0)
    json = weights.get(_JSON, 0.0)
    if json > named and json >= max(any_kind, weights.get("image/*", 0.0)):
        return True, given or "png"
    if pictures[best] <= 0 and json <= 0:
        served = _PICTURES if given is None else (f"image/{given} (format={given})",)
        raise NotAcceptableError(
            f"The request accepts {accept}; served are {', '.join(served)} and {_JSON}."
        )
    return pictures[best] <= 0, given or best


def check_json(accept: str) -> None:
    """Refuse a request that does not accept a JSON report.

    Raises:
        NotAcceptableError: that is so.
    """
    weights = _weights(accept)
    any_kind = weights.get("application/*", weights.get("*/*", 0.0))
    if weights.get(_JSON, any_kind) <= 0:
        raise NotAcceptableError(f"The request accepts {accept}; served is {_JSON}.")


def _weights(accept: str) -> dict[str, float]:
    """Weight by media range; without any, everything is accepted."""
    return dict(_weigh(part) for part in accept.split(",") if part.strip()) or {"*/*": 1.0}


def _weigh(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return kind, float(value)
            except ValueError:
                return kind, 0.0
    return kind, 1.0
