"""One expression to put on a face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Expression:
    """What is added to a neutral face.

    Attributes:
        name: prototype or origin.
        units: action unit -> intensity.
        weights: float32 [E], shape activations to add.
        offset_cm: float32 [V, 2] or None, further displacement in the face's plane.
        crease: float32 [TEXELS, TEXELS] or None, a ratio image in octaves.
        crease_share: how much of it.
    """

    name: str
    units: dict[str, float]
    weights: Floats
    offset_cm: Floats | None = None
    crease: Floats | None = None
    crease_share: float = 0.0

    def at(self, share: float) -> Expression:
        """The same expression at a share of its intensity (a frame of a sequence)."""
        part = np.float32(share)
        return Expression(
            name=self.name,
            units={unit: value * share for unit, value in self.units.items()},
            weights=self.weights * part,
            offset_cm=None if self.offset_cm is None else self.offset_cm * part,
            crease=self.crease,
            crease_share=self.crease_share * share,
        )
