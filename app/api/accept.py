"""Which kind of answer a request asks for with its header Accept."""

from __future__ import annotations


def prefers_json(accept: str) -> bool:
    """Whether `application/json` is wanted rather than the picture.

    The picture is the default: JSON has to be named, with more weight than `image/png` and no less
    than a wildcard.

    Args:
        accept: the header, or "".
    """
    weights = dict(_weigh(part) for part in accept.split(",") if part.strip())
    json = weights.get("application/json", 0.0)
    any_kind = max(weights.get("image/*", 0.0), weights.get("*/*", 0.0))
    return json > weights.get("image/png", 0.0) and json >= any_kind


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
