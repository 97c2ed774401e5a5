"""A photograph's bytes are decoded, its faces found, chosen and, for an analysis, measured."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from app.faces.advice import advise
from app.faces.alignment import crop_matrix, cut
from app.faces.detector import Face, FaceDetector
from app.faces.exposure import brightness, light_of_eyes
from app.faces.meter import Meter
from app.faces.quality import quality_components
from app.faces.selection import number_of, select_faces, upright
from app.imaging.decode import DecodeLimits, Photograph, decode
from app.options import AnalyzeOptions, Options
from app.progress import Progress
from app.result import Analysis, LookedAt
from app.settings import Settings

_SIDE = 160  # of the crop that is measured, where no meter says its own


class Seen(NamedTuple):
    """What a photograph shows.

    Attributes:
        photograph: upright.
        chosen: the faces that the options choose, largest first.
        found: all faces.
        warnings: what the caller should know, in words.
    """

    photograph: Photograph
    chosen: list[Face]
    found: list[Face]
    warnings: tuple[str, ...]


class Look:
    """Decodes, detects, chooses, and changes nothing. Thread-safe.

    Args:
        detector: finds faces.
        meter: reads expressions, if there is one.
        settings: limits of photographs and faces.
    """

    def __init__(self, detector: FaceDetector, meter: Meter | None, settings: Settings) -> None:
        self._detector, self._meter, self._settings = detector, meter, settings
        self._limits = DecodeLimits(settings.max_bytes, settings.max_pixels, settings.max_side)

    def __call__(self, data: bytes, options: Options | AnalyzeOptions, progress: Progress) -> Seen:
        """Find the faces that are meant.

        Args:
            data: the photograph's file.
            options: which faces are meant.
            progress: gets the time of every stage.

        Raises:
            ImageError, FaceError: as `Neutralizer.neutralize`.
        """
        with progress.stage("decode"):
            photograph = decode(data, self._limits)
        with progress.stage("detect"):
            found = [face for face in self._detector.detect(photograph.pixels) if upright(face)]
        progress.faces_found = len(found)
        chosen, notes = select_faces(
            found,
            photograph.pixels.shape,
            options.faces,
            self._settings.min_eye_distance,
            self._settings.max_faces,
            options.face,
        )
        return Seen(photograph, chosen, found, (*photograph.warnings, *notes))

    def analyze(self, data: bytes, options: AnalyzeOptions, progress: Progress) -> Analysis:
        """Measure the faces that are meant; arguments and errors as of a call."""
        photograph, chosen, found, warnings = self(data, options, progress)
        looked_at = []
        side = _SIDE if self._meter is None else self._meter.size
        for face in chosen:
            matrix = crop_matrix(face.landmarks[0], face.landmarks[1], side)
            with progress.stage("measure"):
                crop = cut(photograph.pixels, matrix, side).image
                expression = None if self._meter is None else self._meter.read_crop(crop)
                light, of_eyes = brightness(crop), light_of_eyes(crop)
            quality = quality_components(face, found, photograph.pixels.shape, expression)
            advice = advise(quality, expression, light, of_eyes)
            looked_at.append(LookedAt(face, number_of(face, found), quality, expression, advice))
        height, width = photograph.pixels.shape[:2]
        return Analysis(
            width=width,
            height=height,
            faces=tuple(looked_at),
            faces_found=len(found),
            input_sha256=hashlib.sha256(data).hexdigest(),
            warnings=warnings,
            timings=progress.milliseconds,
        )
