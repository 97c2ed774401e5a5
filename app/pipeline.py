"""From a portrait's bytes to a neutral-expression portrait: the one path that all callers take."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from app.editing import FaceEditor
from app.errors import ModelFileError, ModelNotAvailableError
from app.faces.detector import FaceDetector
from app.faces.identity import IdentityCheck, identity_warnings
from app.faces.meter import Meter, load_meter
from app.framing import frame
from app.imaging.content_credentials import ManifestSigner
from app.imaging.mark import with_mark
from app.imaging.picture import PictureWriter
from app.inference.providers import installed_build
from app.inference.regions import check_regions
from app.inference.registry import Model, load_models
from app.inference.runtime import RuntimeOptions
from app.inference.threads import InFlight
from app.looking import Look
from app.memory import give_back, keep_freed_memory
from app.options import AnalyzeOptions, Options
from app.progress import Progress
from app.result import Analysis, EditedFace, Result
from app.settings import Settings
from app.video.frames import neutral_frames
from app.video.motion import MotionModel
from app.video.options import VideoOptions

__all__ = ["Analysis", "EditedFace", "Neutralizer", "Options", "Result"]

log = logging.getLogger(__name__)


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
        self._writer = PictureWriter(signer, settings.png_compression)
        self._settings = settings
        self._look = Look(detector, meter, settings)
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

    def give_back(self) -> None:
        """Give back the memory that large photographs took, when none comes for a while."""
        self._detector.give_back()  # all sessions share its arena
        give_back()

    def frames(
        self, frames: Iterable[NDArray[np.uint8]], options: VideoOptions | None = None
    ) -> Iterator[NDArray[np.uint8]]:
        """The frames of a moving picture with neutral faces, some frames later.

        Faces are followed, and what moves is averaged over the frames around, so that nothing
        flickers; frames without a face come as they are.

        Args:
            frames: uint8 RGB [H, W, 3], in their order.
            options: what to change, and in whom.

        Raises:
            ModelFileError: the default model is not made for moving pictures.
            IncompatibleOptionsError: it does not know the regions that are asked for.
        """
        options = options or VideoOptions()
        model = MotionModel(
            self._settings.models_dir,
            self._settings.default_model,
            RuntimeOptions.of(self._settings),
        )
        check_regions(self._settings.default_model, model.regions, options.chosen_regions)
        least = self._settings.min_eye_distance
        return neutral_frames(frames, self._detector, model, options, least)

    def analyze(
        self,
        data: bytes,
        options: AnalyzeOptions | None = None,
        progress: Progress | None = None,
    ) -> Analysis:
        """Say what a photograph shows, and change nothing.

        Args:
            data: the photograph's file.
            options: which faces are reported; the same refusals as for `neutralize`.
            progress: gets the time of every stage.

        Raises:
            ImageError, FaceError: as `neutralize`.
        """
        with self._in_flight.track():
            return self._look.analyze(data, options or AnalyzeOptions(), progress or Progress())

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
        options = options.for_format()
        model = self._model(options)
        check_regions(model.name, model.session.regions, options.chosen_regions)
        photograph, chosen, found, notes = self._look(data, options, progress)
        edited = self._editor.edit(photograph.pixels, chosen, found, model, options, progress)
        readings = [face.identity for face in edited.faces if face.identity is not None]
        refuse = self._settings.identity == "refuse"
        with progress.stage("composite"):
            framed = frame(photograph, edited, options)
        altered = any(face.altered for face in framed.faces)
        image = with_mark(framed.image) if options.mark and altered else framed.image
        assert options.format is not None  # for_format decided it
        with progress.stage("encode"):
            file = self._writer.write(
                image,
                options.format,
                model.name,
                model.version,
                altered=altered,
                quality=options.quality,
                max_bytes=options.max_bytes,
            )
        if options.format == "jpeg" and image.shape[2] == 4:
            notes = (*notes, "A JPEG has no transparency: the picture was laid on white.")
        full = options.report == "full"
        return Result(
            image=image,
            file=file,
            format=options.format,
            mask=framed.mask,
            matrix=framed.matrix,
            faces=framed.faces,
            faces_found=len(found),
            model=model.name,
            version=model.version,
            sha256=model.sha256,
            provider=model.session.provider,
            input_sha256=hashlib.sha256(data).hexdigest() if full else None,
            output_sha256=hashlib.sha256(file).hexdigest() if full else None,
            warnings=(*notes, *framed.warnings, *identity_warnings(readings, refuse)),
            timings=progress.milliseconds,
        )

    def _model(self, options: Options) -> Model:
        name = options.model or self._settings.default_model
        model = self.models.get(name)
        if model is None:
            raise ModelNotAvailableError(
                f"The model {name} is not installed here; there is: {', '.join(self.models)}.",
                available=list(self.models),
            )
        return model
