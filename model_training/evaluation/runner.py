"""Every system on every case: pictures in, rows out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import crop_matrix, cut
from model_training.evaluation.cache import Cache, digest
from model_training.evaluation.cases import Case, Dataset, Image, Picture
from model_training.evaluation.compare import Photographs, Subject, compare, labels_of
from model_training.evaluation.readings import Reader, Reading
from model_training.evaluation.rows import TRUE_NEUTRAL, Row
from model_training.evaluation.systems import Output, System
from model_training.evaluation.traits import seen_traits
from model_training.evaluation.views import EyeFinder, NoFaceError, PhotoView, Seen, View

STRIP = 224
"""Side in pixels of each picture in a report."""


KeepPicture = Callable[[str, str, Image], None]
"""Called with (system, case, measured picture); `expressive` and `neutral` stand for the inputs."""


class Runner:
    """Measures systems on cases; every row is kept in the cache."""

    def __init__(
        self,
        finder: EyeFinder,
        instruments: Reader,
        cache: Cache,
        keep_picture: KeepPicture | None = None,
    ) -> None:
        """Args: keep_picture: wants every measured picture, so that none comes from the cache."""
        self._finder = finder
        self._instruments = instruments
        self._cache = cache
        self._keep_picture = keep_picture

    def run(
        self,
        dataset: Dataset,
        systems: Sequence[System],
        advance: Callable[[], None] = lambda: None,
    ) -> tuple[list[Row], dict[str, str]]:
        """Rows of all systems and of the true neutral, and the cases that had to be left out.

        Returns:
            (rows in the order of cases, then systems; case name -> why it was left out)
        """
        rows: list[Row] = []
        skipped: dict[str, str] = {}
        view = systems[0].view
        if any(system.view.name != view.name for system in systems):
            raise ValueError("systems of one run must share their view")
        for case in dataset.cases:
            try:
                subject = self._subject(case, view)
            except NoFaceError as error:
                skipped[case.name] = str(error)
            else:
                rows.extend(self._row(system, case, subject) for system in systems)
                if subject.neutral is not None:
                    rows.append(self._row(None, case, subject))
            advance()
        return rows, skipped

    def _subject(self, case: Case, view: View) -> Subject:
        photo = case.expressive.read()
        eyes = self._finder.find(photo, case.name)
        expressive = self._see(photo, eyes, view, case.name)
        neutral = self._other(case.neutral, view) if case.neutral else None
        stranger = self._other(case.stranger, view)[1] if case.stranger else None
        if self._keep_picture is not None:
            self._keep_picture("expressive", case.name, expressive[0].image)
            if neutral is not None:
                self._keep_picture("neutral", case.name, neutral[0].image)
        parts: list[str | NDArray[np.generic]] = [
            self._instruments.version,
            self._finder.version,
            view.name,
            expressive[0].image,
            neutral[0].image if neutral else "",
        ]
        parts += [vector for _, vector in sorted(stranger.descriptors.items())] if stranger else []
        photographs = None
        if not isinstance(view, PhotoView):
            photographs = Photographs(
                self._instruments.read(Seen(photo, eyes)),
                self._whole(case.neutral) if case.neutral else None,
                self._whole(case.stranger) if case.stranger else None,
            )
            parts += ["photographs", photo]
        traits = seen_traits(photo, eyes)
        key = digest(*parts)
        return Subject(photo, eyes, expressive, neutral, stranger, traits, key, photographs)

    def _whole(self, picture: Picture) -> Reading:
        photo = picture.read()
        return self._instruments.read(Seen(photo, self._finder.find(photo, picture.name)))

    def _other(self, picture: Picture, view: View) -> tuple[Seen, Reading]:
        photo = picture.read()
        return self._see(photo, self._finder.find(photo, picture.name), view, picture.name)

    def _see(
        self, photo: Image, eyes: NDArray[np.float64], view: View, name: str
    ) -> tuple[Seen, Reading]:
        seen = view.see(photo, eyes)
        reading = self._instruments.read(seen)
        if reading.face is None:
            raise NoFaceError(f"no landmarks found in {name}")
        return seen, reading

    def _row(self, system: System | None, case: Case, subject: Subject) -> Row:
        """One row; no system stands for the true neutral."""
        name = system.name if system else TRUE_NEUTRAL
        version = system.fingerprint(case) if system else ""
        key = digest("row", subject.key, name, version, case.name)
        known = self._cache.load("rows", key)
        whole = self._cache.path("strips", key, ".jpg").exists()
        if known is not None and whole and self._keep_picture is None:
            # Labels are the data's, not the measurement's: they may have been corrected since.
            labels = labels_of(case, subject)
            return replace(Row.from_json(known), labels=labels, person=case.person)
        output: Output | None = None
        if system is None:
            assert subject.neutral is not None
            seen, reading = subject.neutral
        else:
            output = system.neutralize(case, subject.photo, subject.eyes)
            seen = Seen(output.image, subject.expressive[0].eyes)
            reading = self._instruments.read(seen)
            if self._keep_picture is not None:
                self._keep_picture(name, case.name, seen.image)
        row = compare(name, case, subject, (seen, reading), output, key)
        self._keep(row, subject, seen)
        return row

    def _keep(self, row: Row, subject: Subject, generated: Seen) -> None:
        seen = [subject.expressive[0], generated]
        if subject.neutral is not None:
            seen.append(subject.neutral[0])
        crops = [cut(s.image, crop_matrix(s.eyes[0], s.eyes[1], STRIP), STRIP).image for s in seen]
        strip = cv2.cvtColor(np.hstack(crops), cv2.COLOR_RGB2BGR)
        ok, jpeg = cv2.imencode(".jpg", strip, [cv2.IMWRITE_JPEG_QUALITY, 88])
        if not ok:
            raise RuntimeError(f"{row.case}: the report picture could not be encoded")
        self._cache.save_bytes("strips", row.key, ".jpg", jpeg.tobytes())
        self._cache.save("rows", row.key, row.to_json())
