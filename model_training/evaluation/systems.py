"""What can be evaluated: an exported model, a running service, a folder of ready pictures."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from app.faces.alignment import choose_crop_size, crop_matrix, cut
from app.faces.compositing import composite
from model_training.errors import InputError
from model_training.evaluation.cases import Case, FilePicture, Image
from model_training.evaluation.views import CropView, PhotoView, View


class SystemFailedError(InputError):
    """A system cannot be evaluated: model file missing, service unreachable, output missing."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a system made of one case.

    Attributes:
        image: uint8 RGB, in the pixels of the system's view of the input.
        mask: uint8 [H, W], how much of each pixel was replaced (255 = wholly); None if unknown.
    """

    image: Image
    mask: NDArray[np.uint8] | None


class System(Protocol):
    """Anything that turns an expressive picture into a neutral one."""

    @property
    def name(self) -> str:
        """What reports call it."""

    @property
    def view(self) -> View:
        """How its pictures are looked at."""

    def fingerprint(self, case: Case) -> str:
        """Changes whenever the output for this case may have changed."""

    def neutralize(self, case: Case, photo: Image, eyes: NDArray[np.float64]) -> Output:
        """The neutral picture of `photo` [H, W, 3], whose eyes are at `eyes` [2, 2]."""


class FusedModel:
    """`onnx_models/<name>/<file>`: the graph the service runs, with the service's own geometry."""

    def __init__(
        self, models: Path, model: str, file: str = "fused.onnx", strength: float = 1.0
    ) -> None:
        path = models / model / file
        if not path.is_file():
            raise SystemFailedError(f"{path} does not exist: train and export {model} first")
        self.name = model if file == "fused.onnx" else f"{model} ({Path(file).stem})"
        self._strength = np.float32(strength)
        options = ort.SessionOptions()
        options.log_severity_level = 3
        self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        meta = self._session.get_modelmeta().custom_metadata_map
        self.version = meta.get("version", "")
        spec = json.loads(meta.get("crop_spec", "{}"))
        sizes = spec.get("sizes") or ([spec["size"]] if "size" in spec else None)
        self._sizes = tuple(int(s) for s in sizes) if sizes else self._static_sizes(model)
        small = self._sizes == (112,)
        self.view: View = CropView(112, grey=True) if small else PhotoView()
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self._fingerprint = f"{digest}-{strength}-{self._sizes}"

    def _static_sizes(self, model: str) -> tuple[int, ...]:
        from app.faces.alignment import PHOTO_CROP_SIZES

        side = self._session.get_inputs()[0].shape[1]
        if isinstance(side, int):
            return (side,)
        return (112,) if model.startswith("classic") else PHOTO_CROP_SIZES

    def fingerprint(self, case: Case) -> str:
        """Hash of the file, strength and crop sizes."""
        del case
        return self._fingerprint

    def run(self, crop: Image) -> Image:
        """The graph on one crop, uint8 [S, S, 3] -> uint8 [S, S, 3]."""
        feed = {"image": crop[None], "strength": np.array([self._strength], np.float32)}
        (neutral,) = self._session.run(["neutral"], feed)
        return np.asarray(neutral[0], np.uint8)

    def neutralize(self, case: Case, photo: Image, eyes: NDArray[np.float64]) -> Output:
        """Crop, graph, composite; for a crop view, the crop alone."""
        del case
        if isinstance(self.view, CropView):
            crop = cut(photo, crop_matrix(eyes[0], eyes[1], self.view.size), self.view.size)
            return Output(self.run(crop.image), None)
        size = choose_crop_size(float(np.linalg.norm(eyes[1] - eyes[0])), self._sizes)
        crop = cut(photo, crop_matrix(eyes[0], eyes[1], size), size)
        image, mask = composite(photo, crop, self.run(crop.image))
        return Output(image, mask)


class Service:
    """A running StoicNet service: `POST URL/neutralize`, whole pictures."""

    view: View = PhotoView()

    def __init__(self, url: str, model: str, token: str | None = None) -> None:
        self.name = f"{model}-service"
        query = urllib.parse.urlencode({"model": model, "output": "photo", "faces": "largest"})
        self._url = f"{url.rstrip('/')}/neutralize?{query}"
        self._token = token
        # A service may change between two runs without telling: never reuse an earlier answer.
        self._run = uuid.uuid4().hex

    def fingerprint(self, case: Case) -> str:
        """New with every run."""
        del case
        return self._run

    def neutralize(self, case: Case, photo: Image, eyes: NDArray[np.float64]) -> Output:
        """Send the photograph as a PNG, without loss."""
        del eyes
        ok, png = cv2.imencode(".png", cv2.cvtColor(photo, cv2.COLOR_RGB2BGR))
        if not ok:
            raise SystemFailedError(f"{case.name} could not be encoded")
        boundary = uuid.uuid4().hex
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; '
            f'filename="{case.name}.png"\r\nContent-Type: image/png\r\n\r\n'
        )
        body = head.encode() + png.tobytes() + f"\r\n--{boundary}--\r\n".encode()
        request = urllib.request.Request(self._url, data=body, method="POST")
        request.add_header("Content-Type", f"multipart/form-data; boundary={boundary}")
        request.add_header("Accept", "image/png")
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                data = np.frombuffer(answer.read(), np.uint8)
        except urllib.error.HTTPError as error:
            text = error.read()[:300].decode(errors="replace")
            raise SystemFailedError(
                f"{case.name}: the service answered {error.code}: {text}"
            ) from error
        except urllib.error.URLError as error:
            raise SystemFailedError(f"{self._url} cannot be reached: {error.reason}") from error
        bgr = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if bgr is None:
            raise SystemFailedError(f"{case.name}: the service's answer is not a picture")
        return Output(np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8), None)


class ReadyOutputs:
    """A folder of pictures made elsewhere, `<case name>.png` (or .jpg): other people's methods.

    Whole pictures in the input's geometry; of another size, they are scaled to the input's.
    """

    view: View = PhotoView()

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self._folder = folder

    def _file(self, case: Case) -> Path:
        for suffix in (".png", ".jpg", ".jpeg", ".webp"):
            path = self._folder / f"{case.name}{suffix}"
            if path.is_file():
                return path
        raise SystemFailedError(f"{self._folder} has no output for {case.name}")

    def fingerprint(self, case: Case) -> str:
        """Hash of the ready file."""
        return hashlib.sha256(self._file(case).read_bytes()).hexdigest()

    def neutralize(self, case: Case, photo: Image, eyes: NDArray[np.float64]) -> Output:
        """Read the ready picture."""
        del eyes
        image = FilePicture(self._file(case), case.name).read()
        if image.shape != photo.shape:
            image = np.asarray(
                cv2.resize(image, photo.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8
            )
        return Output(image, None)
