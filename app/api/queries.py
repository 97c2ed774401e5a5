"""What may stand in a request's query; anything else is an error, not a silent default."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from app.faces.selection import FacesPolicy
from app.result import Options, Output
from app.settings import ModelName

_FACES = "`one` answers 422 when there are several; `largest` and `all` choose among them."


class AnalyzeQuery(BaseModel):
    """Of `POST /analyze`."""

    model_config = ConfigDict(extra="forbid")

    faces: FacesPolicy = Field("all", description=_FACES)


class NeutralizeQuery(BaseModel):
    """Of `POST /neutralize`."""

    model_config = ConfigDict(extra="forbid")

    model: ModelName | None = Field(None, description="Default: as configured.")
    output: Output = Field("photo", description="The whole photograph, or the aligned face alone.")
    strength: float = Field(1.0, ge=0, le=1, description="0 leaves the expression, 1 removes it.")
    faces: FacesPolicy = Field("one", description=_FACES)
    mark: bool = Field(
        False, description="Write into an altered picture, visibly, that it was altered."
    )

    def options(self) -> Options:
        """As the pipeline takes them."""
        return Options(
            model=self.model,
            output=self.output,
            strength=self.strength,
            faces=self.faces,
            mark=self.mark,
        )
