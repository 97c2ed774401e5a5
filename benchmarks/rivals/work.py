"""The work on one photograph as every rival does it, from the product's own functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from app.faces.alignment import Crop, choose_crop_size, crop_matrix, cut
from app.faces.compositing import composite
from app.faces.detector import FaceDetector
from app.imaging.decode import decode
from app.imaging.encode import encode_png
from app.imaging.provenance import png_text
from app.inference.registry import read_manifest
from app.settings import DEFAULT_MODELS_DIR
from app.version import software_version

Image = NDArray[np.uint8]
FUSED = DEFAULT_MODELS_DIR / "photo" / "fused.onnx"


@dataclass(frozen=True)
class Prepared:
    """A decoded photograph and the crop of its largest face."""

    pixels: Image
    crop: Crop


class Work:
    """Before and after the network. One for a process; `before` and `after` are thread-safe."""

    def __init__(self, detector_threads: int = 1) -> None:
        self._detector = FaceDetector(threads=detector_threads)
        self._entry = read_manifest(DEFAULT_MODELS_DIR).models["photo"]
        software = f"StoicNet {software_version()} (photo {self._entry.version})"
        self._text = png_text(software, altered=True)

    def before(self, data: bytes) -> Prepared:
        """Decode, detect, crop."""
        pixels = decode(data).pixels
        face = self._detector.detect(pixels)[0]
        side = choose_crop_size(face.eye_distance, self._entry.crop_sizes)
        matrix = crop_matrix(face.landmarks[0], face.landmarks[1], side)
        return Prepared(pixels, cut(pixels, matrix, side))

    def after(self, prepared: Prepared, neutral: Image) -> bytes:
        """Composite and encode."""
        altered, _ = composite(prepared.pixels, prepared.crop, neutral)
        return encode_png(altered, self._text)


def session(threads: int | None = None) -> ort.InferenceSession:
    """The fused graph; without `threads` as ONNX Runtime sets it up by default."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = threads
    return ort.InferenceSession(str(FUSED), options, providers=["CPUExecutionProvider"])


def run(graph: ort.InferenceSession, crops: list[Image]) -> list[Image]:
    """A batch of crops of one size."""
    feed = {"image": np.stack(crops), "strength": np.ones(len(crops), np.float32)}
    return list(np.asarray(graph.run(["neutral"], feed)[0]))
