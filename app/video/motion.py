"""The model in two halves, the motion and the picture of it: between them, time is steadied."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from app.errors import ModelFileError
from app.inference.providers import choose_providers
from app.inference.registry import checked_bytes, read_manifest
from app.inference.runtime import RuntimeOptions, build_session

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

_HALVES = "network.onnx", "render.onnx"


class Maps(NamedTuple):
    """What the network answers for one face, float32 [C, 96, 96] each; see `photo/network.py`."""

    upper: Floats
    lower: Floats
    line: Floats
    opening: Floats
    crease: Floats


@dataclass(frozen=True, slots=True)
class Window:
    """What of a crop of `crop` pixels the network looks at: `side` pixels from (left, top) on."""

    crop: int
    top: int
    left: int
    side: int

    def of(self, image: Image) -> Floats:
        """The network's picture of a crop uint8 [S, S, 3], in [-1, 1], [1, 3, side, side]."""
        ratio = image.shape[0] // self.crop
        rows = slice(self.top * ratio, (self.top + self.side) * ratio)
        columns = slice(self.left * ratio, (self.left + self.side) * ratio)
        part = image[rows, columns].astype(np.float32)
        small = cv2.resize(part, (self.side, self.side), interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray((small / 127.5 - 1).transpose(2, 0, 1)[None], np.float32)


class MotionModel:
    """`network.onnx` and `render.onnx` of a model on the configured device. Thread-safe.

    Attributes:
        version: from the manifest.
        crop_sizes: the crop sides S it takes, ascending.
        regions: parts of the face that can be left as they are.
    """

    def __init__(self, models_dir: Path, name: str, options: RuntimeOptions) -> None:
        """Load both.

        Raises:
            ModelFileError: the model has no such halves (`classic` has none), or they differ from
                the manifest's.
        """
        entry = read_manifest(models_dir).models.get(name)
        if entry is None or not set(_HALVES) <= set(entry.files):
            raise ModelFileError(f"The model {name} is not made for moving pictures.")
        providers = choose_providers(options.device, options.gpu_memory_mb, options.engine_cache)

        def load(file: str) -> ort.InferenceSession:
            graph = checked_bytes(models_dir / name / file, entry.files[file].sha256)
            return build_session(
                graph, f"{file} of the model {name}", options, options.threads, providers
            )

        self._network, self._render = (load(file) for file in _HALVES)
        self.version = entry.version
        self.crop_sizes = tuple(entry.crop_sizes)
        said = self._network.get_modelmeta().custom_metadata_map
        self._window = Window(**json.loads(said["window"]))
        rendered = self._render.get_modelmeta().custom_metadata_map
        self.regions: tuple[str, ...] = tuple(json.loads(rendered["regions"]))

    def see(self, crop: Image) -> Floats:
        """What the network sees of an aligned crop, uint8 [S, S, 3]: float32 [1, 3, side, side]."""
        return self._window.of(crop)

    def maps(self, seen: Floats) -> Maps:
        """What moves where, of what `see` gave."""
        answer = self._network.run(list(Maps._fields), {"window": seen})
        return Maps(*(np.asarray(each[0], np.float32) for each in answer))

    def render(
        self, crop: Image, maps: Maps, strength: float, regions: Collection[str] = ()
    ) -> Image:
        """The neutral crop, uint8 [S, S, 3].

        Args:
            crop: uint8 [S, S, 3].
            maps: of it.
            strength: 0 leaves the expression, 1 removes it.
            regions: those that change; empty is all of them.
        """
        amounts = [float(not regions or name in regions) for name in self.regions]
        inputs = {
            "image": crop[None],
            **{name: each[None] for name, each in maps._asdict().items()},
            "strength": np.array([strength], np.float32),
            "regions": np.array([amounts], np.float32),
        }
        return np.asarray(self._render.run(["neutral"], inputs)[0][0], np.uint8)
