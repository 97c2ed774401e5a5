"""Every refusal the service can give, as a type with a stable machine-readable code.

Nothing here knows of HTTP: `app.api.problems` maps the codes to statuses, the command line prints
the messages.
"""

from __future__ import annotations

from typing import Any, ClassVar


class StoicNetError(Exception):
    """Base of all expected failures.

    Attributes:
        code: stable identifier for programs.
        title: what this kind of failure is, the same for every occurrence.
        detail: what happened this time and what to do about it.
        facts: further machine-readable facts about this occurrence.
    """

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "StoicNet error"

    def __init__(self, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts


class ImageError(StoicNetError):
    """The bytes do not become a photograph we work on."""


class NotAnImageError(ImageError):
    code = "not_an_image"
    title = "The file is not an image"


class DamagedImageError(ImageError):
    code = "damaged_image"
    title = "The image file is truncated or damaged"


class UnsupportedImageError(ImageError):
    code = "unsupported_image"
    title = "This kind of image is not supported"


class TooManyBytesError(ImageError):
    code = "too_many_bytes"
    title = "The file is too large"


class TooManyPixelsError(ImageError):
    code = "too_many_pixels"
    title = "The image has too many pixels"


class FaceError(StoicNetError):
    """The photograph does not show the face the request asks for."""


class NoFaceError(FaceError):
    code = "no_face"
    title = "No face was found"


class MultipleFacesError(FaceError):
    code = "multiple_faces"
    title = "More than one face was found"


class FaceTooSmallError(FaceError):
    code = "face_too_small"
    title = "The face is too small"


class FaceCutOffError(FaceError):
    code = "face_cut_off"
    title = "The face is cut off by the edge of the photograph"


class IdentityNotPreservedError(FaceError):
    code = "identity_not_preserved"
    title = "The neutral face would not be recognised as the same person"


class RequestError(StoicNetError):
    """The options of a request contradict each other or ask for what is not there."""


class ModelNotAvailableError(RequestError):
    code = "model_not_available"
    title = "The model is not installed"


class IncompatibleOptionsError(RequestError):
    code = "incompatible_options"
    title = "These options do not go together"


class WorkError(StoicNetError):
    """The request was in order; the service could not do it now."""


class InferenceError(WorkError):
    code = "inference_failed"
    title = "The model could not be run"


class QueueFullError(WorkError):
    code = "queue_full"
    title = "Too many requests are waiting"


class DeadlineExceededError(WorkError):
    code = "deadline_exceeded"
    title = "The request took too long"


class AbandonedError(WorkError):
    """Nobody waits for the answer any more."""

    code = "abandoned"
    title = "The request was given up"


class StartupError(StoicNetError):
    """The service cannot start."""


class ModelFileError(StartupError):
    code = "bad_model_file"
    title = "A model file is missing, altered or not what it should be"


class DeviceUnavailableError(StartupError):
    code = "device_unavailable"
    title = "The requested device did not come up"
