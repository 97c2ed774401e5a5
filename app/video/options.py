"""What a caller may choose of a moving picture."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from app.result import REGIONS


class VideoOptions(BaseModel, frozen=True, extra="forbid"):
    """Fields of `stoicnet video` and of `Neutralizer.frames`."""

    strength: float = Field(
        default=1.0, ge=0, le=1, description="0 leaves the expression, 1 removes it."
    )
    regions: str | None = Field(
        default=None,
        pattern=REGIONS,
        max_length=32,
        description="Parts of the face that change, of brows, eyes and mouth, separated by commas; "
        "default: all of them.",
    )
    faces: Literal["largest", "all"] = Field(
        default="all", description="Whose face is edited: everybody's, or the largest one."
    )

    def amounts(self, regions: tuple[str, ...]) -> tuple[float, ...]:
        """How much of the change each of the model's regions gets, 0 or 1."""
        chosen = set(self.regions.split(",")) if self.regions else set(regions)
        return tuple(float(region in chosen) for region in regions)
