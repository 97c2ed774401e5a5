"""Every refusal the service can give, as a type with a stable machine-readable code.

All that is said of a kind of failure is on its class: `app.api` answers and documents it from
there, the command line prints its message.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar


class StoicNetError(Exception):
    """Base of all expected failures.

    Attributes:
        status: the HTTP status it is answered with.
        code: stable identifier for programs.
        title: what this kind of failure is, the same for every occurrence.
        example: a detail, for the documentation; empty for what no client meets.
        detail: what happened this time and what to do about it.
        facts: further machine-readable facts about this occurrence.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "error"
    title: ClassVar[str] = "StoicNet error"
    example: ClassVar[str] = ""

    def __init__(self, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts

    @classmethod
    def kinds(cls) -> Iterator[type[StoicNetError]]:
        """All kinds that a client can meet, of every module that is loaded."""
        for kind in cls.__subclasses__():
            if kind.example:
                yield kind
            yield from kind.kinds()


class ImageError(StoicNetError):
    """The bytes do not become a photograph we work on."""


class NotAnImageError(ImageError):
    status = 400
    code = "not_an_image"
    title = "The file is not an image"
    example = (
        "The file does not begin like any known image (31 bytes). Send one of JPEG, PNG, WebP, "
        "GIF, BMP, TIFF, AVIF."
    )


class DamagedImageError(ImageError):
    status = 400
    code = "damaged_image"
    title = "The image file is truncated or damaged"
    example = "The JPEG file cannot be decoded: image file is truncated"


class UnsupportedImageError(ImageError):
    status = 415
    code = "unsupported_image"
    title = "This kind of image is not supported"
    example = "This is a PDF file. Send one of JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF."


class TooManyBytesError(ImageError):
    status = 413
    code = "too_many_bytes"
    title = "The file is too large"
    example = "At most 20971520 bytes are accepted."


class TooManyPixelsError(ImageError):
    status = 413
    code = "too_many_pixels"
    title = "The image has too many pixels"
    example = (
        "The image is 10000 x 10000; at most 50000000 pixels and 16384 on a side are accepted."
    )


class DoesNotFitError(StoicNetError):
    status = 422
    code = "does_not_fit"
    title = "The picture does not fit into the bytes that were allowed"
    example = (
        "As JPEG of quality 1 the picture has 9120 bytes; max_bytes=5000 allows less. Allow more, "
        "or send a smaller photograph."
    )


class NotAcceptableError(StoicNetError):
    status = 406
    code = "not_acceptable"
    title = "No kind of answer that the request accepts is served"
    example = (
        "The request accepts text/plain; served are image/png, image/jpeg, image/webp and "
        "application/json."
    )


class FaceError(StoicNetError):
    """The photograph does not show the face the request asks for."""


class NoFaceError(FaceError):
    status = 422
    code = "no_face"
    title = "No face was found"
    example = (
        "No face was found. The photograph should show a face from the front, upright and well lit."
    )


class MultipleFacesError(FaceError):
    status = 422
    code = "multiple_faces"
    title = "More than one face was found"
    example = (
        "2 faces were found, one is expected. Send a photograph of one person, or choose with "
        "face=1 (a number of the report), face=x,y (a point in it), faces=largest or faces=all."
    )


class NoSuchFaceError(FaceError):
    status = 422
    code = "no_such_face"
    title = "The face that was chosen is not there"
    example = "face=3 was chosen, but 2 faces were found."


class FaceTooSmallError(FaceError):
    status = 422
    code = "face_too_small"
    title = "The face is too small"
    example = "The eyes are 11 pixels apart; at least 24 are needed."


class FaceCutOffError(FaceError):
    status = 422
    code = "face_cut_off"
    title = "The face is cut off by the edge of the photograph"
    example = "A part of the face lies outside the photograph."


class IdentityNotPreservedError(FaceError):
    status = 422
    code = "identity_not_preserved"
    title = "The neutral face would not be recognised as the same person"
    example = "The recogniser no longer takes the face for the same person."


class RequestError(StoicNetError):
    """The options of a request contradict each other or ask for what is not there."""


class ModelNotAvailableError(RequestError):
    status = 422
    code = "model_not_available"
    title = "The model is not installed"
    example = "The model classic is not installed here; there is: photo."


class InvalidRequestError(RequestError):
    status = 422
    code = "invalid_request"
    title = "The request is not valid"
    example = "query.strength: Input should be less than or equal to 1"


class IncompatibleOptionsError(RequestError):
    status = 422
    code = "incompatible_options"
    title = "These options do not go together"
    example = "output=face returns one crop; choose faces=one or faces=largest."


class WorkError(StoicNetError):
    """The request was in order; the service could not do it now."""


class InferenceError(WorkError):
    status = 503
    code = "inference_failed"
    title = "The model could not be run"
    example = "The model could not be run."


class QueueFullError(WorkError):
    status = 429
    code = "queue_full"
    title = "Too many requests are waiting"
    example = "34 requests are accepted already; try again later."


class DeadlineExceededError(WorkError):
    status = 504
    code = "deadline_exceeded"
    title = "The request took too long"
    example = "No answer within 30 seconds of the upload."


class AbandonedError(WorkError):
    """Nobody waits for the answer any more."""

    status = 499  # nobody reads it; the logs and metrics do
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
