"""What can be wrong with a moving picture. Only the command and the library meet these."""

from __future__ import annotations

from app.errors import ImageError


class NotAVideoError(ImageError):
    status = 400
    code = "not_a_video"
    title = "The file is not a moving picture"


class DamagedVideoError(ImageError):
    status = 400
    code = "damaged_video"
    title = "The moving picture is truncated or damaged"


class TooLongError(ImageError):
    status = 413
    code = "too_long"
    title = "The moving picture is too long"


class VideoFormatError(ImageError):
    status = 415
    code = "unsupported_video"
    title = "This kind of moving picture cannot be written"
