"""From a portrait's bytes to a neutral-expression portrait: the one path that all callers take."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from app.editing import Edited, FaceEditor
from app.errors import ModelFileError, ModelNotAvailableError
from app.faces.alignment import crop_matrix
from app.faces.detector import Face, FaceDetector
from app.faces.identity import IdentityCheck, identity_warnings
from app.faces.meter import Meter, load_meter
from app.faces.quality import quality_components
from app.faces.selection import FacesPolicy, select_faces
from app.imaging.content_credentials import ManifestSigner
from app.imaging.decode import DecodeLimits, Photograph, decode
from app.imaging.encode import encode_png
from app.imaging.mark import with_mark
from app.imaging.provenance import png_text
from app.inference.providers import installed_build
from app.inference.registry import Model, load_models
from app.inference.runtime import RuntimeOptions
from app.inference.threads import InFlight
from app.memory import keep_freed_memory
from app.progress import Progress
from app.result import Analysis, EditedFace, LookedAt, Options, Result
from app.settings import Settings
from app.version import software_version

__all__ = ["Analysis", "EditedFace", "Neutralizer", "Options", "Result"]

log = logging.getLogger(__name__)

_METER_SIDE = 256  # any side does: the meter scales the matrix to its own


class Neutralizer:
    """Decode, detect, crop, neutralize, composite, encode. Thread-safe; built once."""

    def __init__(
        self,
        detector: FaceDetector,
        models: Mapping[str, Model],
        settings: Settings,
        meter: Meter | None = None,
        identity_check: IdentityCheck | None = None,
        signer: ManifestSigner | None = None,
        in_flight: InFlight | None = None,
    ) -> None:
        """Use `build` unless the parts are already there."""
        self._detector = detector
        self._in_flight = in_flight or InFlight()
        self.models = models
        self.meter = meter
        self._signer = signer
        self._settings = settings
        self._limits = DecodeLimits(settings.max_bytes, settings.max_pixels, settings.max_side)
        self._editor = FaceEditor(
            meter, identity_check, settings.neutral_score, settings.min_change
        )

    @classmethod
    def build(cls, settings: Settings, profile: bool = False) -> Neutralizer:
        """Load and check the detector and every model, and warm them up if so configured.

        Args:
            settings: of the service.
            profile: find out on the CPU too where the nodes of the models run.

        Raises:
            StartupError: a file is missing or altered, or the device did not come up.
        """
        if settings.memory_arena:
            keep_freed_memory()
        log.info("%s", installed_build())
        runtime, in_flight = RuntimeOptions.of(settings, profile), InFlight()
        identity_check = None
        if settings.identity != "off":
            identity_check = IdentityCheck(settings.identity_threshold, settings.identity_model)
        models = load_models(
            settings.models_dir,
            runtime,
            settings.max_batch,
            settings.batch_delay_ms / 1000,
            settings.workers,
            in_flight,
        )
        if settings.default_model not in models:
            raise ModelFileError(
                f"The default model {settings.default_model} is not in manifest.json; there is: "
                f"{', '.join(models)}. STOICNET_DEFAULT_MODEL chooses another."
            )
        built = cls(
            FaceDetector(
                min_score=settings.min_face_score, threads=runtime.threads, in_flight=in_flight
            ),
            models,
            settings,
            load_meter(settings.models_dir, runtime, in_flight),
            identity_check,
            ManifestSigner.of(settings),
            in_flight,
        )
        if settings.warm_up:
            for model in models.values():
                start = time.perf_counter()
                model.warm_up()
                log.info("model %s warm after %.1f s", model.name, time.perf_counter() - start)
        return built

    def analyze(
        self, data: bytes, policy: FacesPolicy = "all", progress: Progress | None = None
    ) -> Analysis:
        """Say what a photograph shows, and change nothing.

        Args:
            data: the photograph's file.
            policy: which faces are reported; the same refusals as for `neutralize`.
            progress: gets the time of every stage.

        Raises:
            ImageError, FaceError: as `neutralize`.
        """
        with self._in_flight.track():
            return self._analyze(data, policy, progress or Progress())

    def _analyze(self, data: bytes, policy: FacesPolicy, progress: Progress) -> Analysis:
        photograph, chosen, found, notes = self._look(data, policy, progress)
        looked_at = []
        for face in chosen:
            expression = None
            if self.meter is not None:
                with progress.stage("measure"):
                    right_eye, left_eye = face.landmarks[:2]
                    matrix = crop_matrix(right_eye, left_eye, _METER_SIDE)
                    expression = self.meter.read(photograph.pixels, matrix, _METER_SIDE)
            quality = quality_components(face, found, photograph.pixels.shape, expression)
            looked_at.append(LookedAt(face, quality, expression))
        height, width = photograph.pixels.shape[:2]
        return Analysis(
            width=width,
            height=height,
            faces=tuple(looked_at),
            faces_found=len(found),
            input_sha256=hashlib.sha256(data).hexdigest(),
            warnings=notes,
            timings=progress.milliseconds,
        )

    def neutralize(
        self, data: bytes, options: Options | None = None, progress: Progress | None = None
    ) -> Result:
        """Neutralize the face or faces of a photograph.

        Args:
            data: the photograph's file.
            options: see `Options`.
            progress: gets the time of every stage, and stops the work when nobody waits any more.

        Returns:
            The picture, what was done, and how long it took.

        Raises:
            ImageError: the bytes are not a photograph that is accepted.
            FaceError: no face, several, too small or cut off; another person's afterwards.
            RequestError: the model is not there.
            WorkError: the runtime failed, or nobody waits any more.
        """
        with self._in_flight.track():
            return self._neutralize(data, options or Options(), progress or Progress())

    def _neutralize(self, data: bytes, options: Options, progress: Progress) -> Result:
        model = self._model(options)
        photograph, chosen, found, notes = self._look(data, options.faces, progress)
        edited = self._editor.edit(photograph.pixels, chosen, found, model, options, progress)
        readings = [face.identity for face in edited.faces if face.identity is not None]
        warnings = (*notes, *identity_warnings(readings, self._settings.identity == "refuse"))
        image, png = self._encode(edited, model, options, progress)
        return Result(
            image=image,
            png=png,
            mask=edited.mask,
            faces=edited.faces,
            faces_found=len(found),
            model=model.name,
            version=model.version,
            sha256=model.sha256,
            provider=model.session.provider,
            input_sha256=hashlib.sha256(data).hexdigest(),
            output_sha256=hashlib.sha256(png).hexdigest(),
            warnings=warnings,
            timings=progress.milliseconds,
        )

    def _look(
        self, data: bytes, policy: FacesPolicy, progress: Progress
    ) -> tuple[Photograph, list[Face], list[Face], tuple[str, ...]]:
        """The photograph, the faces chosen, all faces found, and warnings."""
        with progress.stage("decode"):
            photograph = decode(data, self._limits)
        with progress.stage("detect"):
            found = self._detector.detect(photograph.pixels)
        progress.faces_found = len(found)
        chosen, notes = select_faces(
            found,
            photograph.pixels.shape,
            policy,
            self._settings.min_eye_distance,
            self._settings.max_faces,
        )
        return photograph, chosen, found, (*photograph.warnings, *notes)

    def _encode(
        self, edited: Edited, model: Model, options: Options, progress: Progress
    ) -> tuple[NDArray[np.uint8], bytes]:
        altered = any(face.altered for face in edited.faces)
        software = f"StoicNet {software_version()} ({model.name} {model.version})"
        with progress.stage("encode"):
            image = with_mark(edited.image) if options.mark and altered else edited.image
            text = png_text(software, altered=altered)
            png = encode_png(image, text, self._settings.png_compression)
            if self._signer is not None and altered:
                png = self._signer.sign(png, f"StoicNet {model.name}", software_version())
            return image, png

    def _model(self, options: Options) -> Model:
        name = options.model or self._settings.default_model
        model = self.models.get(name)
        if model is None:
            raise ModelNotAvailableError(
                f"The model {name} is not installed here; there is: {', '.join(self.models)}.",
                available=list(self.models),
            )
        return model
