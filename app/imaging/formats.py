"""The formats that pictures are answered in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Format = Literal["png", "jpeg", "webp"]

SUFFIXES: Mapping[Format, str] = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}
"""Of files in these formats."""
