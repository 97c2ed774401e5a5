"""The control `geometric warp only`: what the model's flow does without its painting."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from app.faces.alignment import PHOTO_CROP_SIZES, choose_crop_size, crop_matrix, cut
from app.faces.compositing import composite
from model_training.evaluation.cases import Case, Image
from model_training.evaluation.systems import Output
from model_training.evaluation.views import PhotoView, View

NETWORK_FILE = "network.onnx"


def warp(crop: Image, flow: NDArray[np.float32]) -> Image:
    """Move pixels along a flow.

    Args:
        crop: uint8 [S, S, 3].
        flow: [2, h, w], (x, y) where each pixel comes from, in units of half the crop's side, as
            torch's `grid_sample` with `align_corners=False` takes it.

    Returns:
        uint8 [S, S, 3], bilinear, the border repeated.
    """
    size = crop.shape[0]
    # cv2.resize samples at pixel centres, as `interpolate(align_corners=False)` does.
    full = cv2.resize(
        np.ascontiguousarray(flow.transpose(1, 2, 0)), (size, size), interpolation=cv2.INTER_LINEAR
    )
    y, x = np.indices((size, size), np.float32)
    moved = cv2.remap(
        crop,
        x + full[..., 0] * (size / 2),
        y + full[..., 1] * (size / 2),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(moved, np.uint8)


class WarpOnly:
    """A model's flow applied to the crop, nothing painted; for models that export `network.onnx`.

    The network takes `crop` float32 [B, 3, 256, 256] in [-1, 1] and has an output `flow`.
    """

    view: View = PhotoView()

    def __init__(self, network: Path, model: str) -> None:
        self.name = f"{model}, warp only"
        options = ort.SessionOptions()
        options.log_severity_level = 3
        self._session = ort.InferenceSession(
            str(network), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0]
        self._fingerprint = hashlib.sha256(network.read_bytes()).hexdigest()

    @classmethod
    def of(cls, models: Path, model: str) -> WarpOnly | None:
        """The control of a model; None when the model has no flow."""
        path = models / model / NETWORK_FILE
        if not path.is_file():
            return None
        made = cls(path, model)
        return made if "flow" in [o.name for o in made._session.get_outputs()] else None

    def fingerprint(self, case: Case) -> str:
        """Hash of the network's file."""
        del case
        return self._fingerprint

    def neutralize(self, case: Case, photo: Image, eyes: NDArray[np.float64]) -> Output:
        """Flow from the reduced crop, applied at the crop's own size, composited."""
        del case
        size = choose_crop_size(float(np.linalg.norm(eyes[1] - eyes[0])), PHOTO_CROP_SIZES)
        crop = cut(photo, crop_matrix(eyes[0], eyes[1], size), size)
        side = int(self._input.shape[2])
        small = cv2.resize(
            crop.image.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA
        )
        feed = {self._input.name: (small / 127.5 - 1).transpose(2, 0, 1)[None]}
        (flow,) = self._session.run(["flow"], feed)
        image, mask = composite(photo, crop, warp(crop.image, np.asarray(flow[0], np.float32)))
        return Output(image, mask)
