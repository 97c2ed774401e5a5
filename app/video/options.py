"""What a caller may choose of a moving picture."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from app.options import Change


class VideoOptions(Change, frozen=True, extra="forbid"):
    """Fields of `stoicnet video` and of `Neutralizer.frames`."""

    faces: Literal["largest", "all"] = Field(
        default="all", description="Whose face is edited: everybody's, or the largest one."
    )
