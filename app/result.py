"""What comes back: what was seen of each face, what was done to it, and the picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.faces.advice import Advice
from app.faces.detector import Face
from app.faces.identity import Identity
from app.faces.meter import Expression
from app.faces.quality import Quality
from app.imaging.formats import Format


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A face that was measured.

    Attributes:
        face: where it is, in photograph pixels.
        number: of the face, as the option `face` takes it.
        quality: components of ISO/IEC 29794-5 by name.
        expression: None without a meter.
        advice: for another photograph.
    """

    face: Face
    number: int
    quality: Mapping[str, Quality]
    expression: Expression | None
    advice: tuple[Advice, ...]


@dataclass(frozen=True, slots=True)
class EditedFace:
    """What was done to one face.

    Attributes:
        face, number, quality: as in `LookedAt`.
        crop_size: side S of the crop the network worked at.
        altered: whether any pixel was changed.
        altered_share: share of the returned picture's pixels that are mostly the network's.
        mean_change: mean absolute difference of those pixels to the input, grey levels (0 to 255).
        gain: by which the face was brighter for the networks; 1 unless it was dark.
        before, after: the expression; None without a meter or with report=minimal.
        identity: None without the check.
    """

    face: Face
    number: int
    quality: Mapping[str, Quality]
    crop_size: int
    altered: bool
    altered_share: float
    mean_change: float
    gain: float = 1.0
    before: Expression | None = None
    after: Expression | None = None
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a photograph shows.

    Attributes:
        width, height: of the upright photograph in pixels.
        faces: those that the policy chooses, largest first.
        faces_found: how many there are.
        input_sha256: of the file.
        warnings: what the caller should know, in words.
        timings: milliseconds by stage.
    """

    width: int
    height: int
    faces: tuple[LookedAt, ...]
    faces_found: int
    input_sha256: str
    warnings: tuple[str, ...]
    timings: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to one photograph.

    Attributes:
        image: uint8 [H, W, 3] RGB, or [H, W, 4] with the photograph's transparency; as large as
            the upright photograph, its level part, the crop or the portrait.
        file: the same as a file, with its provenance in it.
        format: of that file.
        mask: blending weight of every pixel of `image`, uint8; 0 = the input's own pixel.
        matrix: float64 [2, 3], from pixels of the upright photograph to those of `image`.
        faces: the faces that were looked at, largest first.
        faces_found: how many the photograph shows.
        model, version, sha256, provider: what did it, and where it ran.
        input_sha256, output_sha256: of the two files; None with report=minimal.
        warnings: what the caller should know, in words.
        timings: milliseconds by stage.
    """

    image: NDArray[np.uint8]
    file: bytes
    format: Format
    mask: NDArray[np.uint8]
    matrix: NDArray[np.float64]
    faces: tuple[EditedFace, ...]
    faces_found: int
    model: str
    version: str
    sha256: str
    provider: str
    input_sha256: str | None
    output_sha256: str | None
    warnings: tuple[str, ...]
    timings: Mapping[str, float]

    @property
    def media_type(self) -> str:
        """Of the file."""
        return f"image/{self.format}"

    @property
    def altered(self) -> bool:
        """Whether any pixel was changed."""
        return any(face.altered for face in self.faces)
