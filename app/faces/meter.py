"""The meter: how expressive a face is, how open its mouth and eyes are.

A small network trained by `model_training` to agree with MediaPipe; it is there if the manifest
has an entry `meter` beside `models`. Without it these measures are absent from every report.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.errors import ModelFileError
from app.faces.alignment import Matrix, cut
from app.faces.exposure import gain_for, lit
from app.inference.registry import checked_bytes, read_manifest
from app.inference.runtime import RuntimeOptions, cpu_session
from app.inference.threads import InFlight

METER = "meter.onnx"
_OUTPUTS = ["score", "lip_gap", "eye_opening"]


@dataclass(frozen=True, slots=True)
class Expression:
    """One reading.

    Attributes:
        score: sum of the expression blendshapes, about 0 to 15; 0 is no expression at all.
        lip_gap: distance of the inner lips / inter-ocular distance.
        eye_opening: distance of the lids / eye width, mean of both eyes.
    """

    score: float
    lip_gap: float
    eye_opening: float


class Meter:
    """`meter.onnx`: image uint8 [B, 160, 160, 3] -> score [B], lip_gap [B], eye_opening [B].

    Attributes:
        size: side of the crop that it looks at, in pixels.
        version: from the manifest.
        sha256: of the graph.
        licence, training_data: what its file says of them.
    """

    def __init__(
        self,
        graph: bytes,
        crop_size: int,
        version: str,
        sha256: str,
        options: RuntimeOptions,
        in_flight: InFlight | None = None,
    ) -> None:
        """Load it; on the CPU, where a crop takes it a few milliseconds.

        Runs take one thread while `in_flight` is not alone.

        Raises:
            ModelFileError: not a meter.
        """
        self.size = crop_size
        self.version = version
        self.sha256 = sha256

        self._session = cpu_session(graph, "The meter", options, in_flight)
        said = self._session.session.get_modelmeta().custom_metadata_map
        self.licence = str(said.get("licence", "not said"))
        self.training_data = str(said.get("training_data", "not said"))
        inputs = {value.name: value.type for value in self._session.session.get_inputs()}
        missing = set(_OUTPUTS) - {value.name for value in self._session.session.get_outputs()}
        if inputs != {"image": "tensor(uint8)"} or missing:
            raise ModelFileError(f"The meter has inputs {inputs} and lacks outputs {missing}.")

    def read(self, image: NDArray[np.uint8], matrix: Matrix, size: int) -> Expression:
        """Measure a face.

        Args:
            image: uint8 RGB, a photograph.
            matrix: from photograph to crop pixels, of a crop of side `size`.
            size: that side in pixels.
        """
        scaled = np.asarray(matrix * (self.size / size))
        return self._run(cut(image, scaled, self.size).image)

    def read_crop(self, crop: NDArray[np.uint8]) -> Expression:
        """Measure an aligned crop, uint8 [S, S, 3]."""
        side = (self.size, self.size)
        resized = cv2.resize(crop, side, interpolation=cv2.INTER_AREA)
        return self._run(np.asarray(resized, np.uint8))

    def _run(self, crop: NDArray[np.uint8]) -> Expression:
        shown = lit(crop, gain_for(crop))
        outputs = self._session.run(_OUTPUTS, {"image": shown[None]})
        score, lip_gap, eye_opening = (float(np.asarray(value).ravel()[0]) for value in outputs)
        return Expression(score, lip_gap, eye_opening)


def load_meter(
    models_dir: Path, options: RuntimeOptions, in_flight: InFlight | None = None
) -> Meter | None:
    """The meter, if the manifest has one; its runs take one thread while `in_flight` is not alone.

    Raises:
        ModelFileError: its file is missing, differs, or is not a meter.
    """
    entry = read_manifest(models_dir).meter
    if entry is None:
        return None
    if METER not in entry.files:
        raise ModelFileError(f"The meter lists no {METER} in manifest.json.")
    sha256 = entry.files[METER].sha256
    graph = checked_bytes(models_dir / "meter" / METER, sha256)
    return Meter(graph, entry.crop_size, entry.version, sha256, options, in_flight)
