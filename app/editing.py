"""The faces of a photograph, one after the other, through the model and back into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import Crop, choose_crop_size, crop_matrix, cut, transform_points
from app.faces.compositing import composite, crop_mask, region_mask
from app.faces.detector import Face
from app.faces.exposure import gain_for, lit, unlit
from app.faces.identity import Identity, IdentityCheck
from app.faces.meter import Expression, Meter
from app.faces.quality import quality_components
from app.faces.selection import number_of
from app.inference.registry import Model
from app.options import Options
from app.progress import Progress
from app.result import EditedFace

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Edited:
    """A picture and what was done to it: see `Result`."""

    image: Image
    mask: NDArray[np.uint8]
    faces: tuple[EditedFace, ...]


@dataclass(frozen=True, slots=True)
class FaceEditor:
    """What edits and measures faces.

    Attributes:
        meter: measures the expression before and after; None leaves it out.
        identity_check: compares the person before and after; None leaves it out.
        neutral_score: expression up to which a face is returned untouched (with a meter).
        min_change: faces that the model would change by less, in grey levels over the face at
            full strength, are returned untouched. At 1.2 (counted once, with `photo` 1.0.0),
            3 of 15 neutral London portraits of people it was not trained on and half of 60 calm LFW
            faces stay untouched, and none of London's 15 smiles or of 60 LFW faces of an
            expressiveness over 4.
    """

    meter: Meter | None = None
    identity_check: IdentityCheck | None = None
    neutral_score: float | None = None
    min_change: float = 0.0

    def edit(
        self,
        photo: Image,
        faces: Sequence[Face],
        found: Sequence[Face],
        model: Model,
        options: Options,
        progress: Progress,
    ) -> Edited:
        """Neutralize `faces`.

        Args:
            photo: uint8 RGB [H, W, 3]; not modified.
            faces: those to edit.
            found: all faces of the photograph.
            model, options: how.
            progress: gets the time of every stage.
        """
        image: Image = photo
        mask: NDArray[np.uint8] | None = None
        edited = []
        for face in faces:
            size = choose_crop_size(face.eye_distance, model.crop_sizes)
            with progress.stage("crop"):
                # Always from the input: a neighbour's edit must not reach this face's network.
                crop = cut(photo, crop_matrix(face.landmarks[0], face.landmarks[1], size), size)
            before = self._before(photo, crop, options, progress)
            reported = None if options.report == "minimal" else before
            gain = gain_for(crop.image)
            if self._neutral_already(before):
                neutral = crop.image
            else:
                with progress.stage("infer"):
                    shown = lit(crop.image, gain)
                    neutral = model.neutralize(shown, options.strength, options.chosen_regions)
                    change = _face_change(shown, neutral)
                    neutral = unlit(crop.image, shown, neutral, gain)
                    # Who names regions wants them changed, small as they are in the face.
                    if not options.regions and change < self.min_change * options.strength:
                        neutral = crop.image
            with progress.stage("composite"):
                if options.output == "face":
                    image, face_mask = neutral, crop_mask(crop, neutral, photo.shape, gain)
                    mask, own = face_mask, crop.image
                else:
                    image, face_mask = composite(image, crop, neutral, gain)
                    own = photo
                    mask = face_mask if mask is None else np.maximum(mask, face_mask)
                altered = bool(face_mask.any())
                change = _mean_change(own, image, face_mask)
            edited.append(
                EditedFace(
                    face=face,
                    number=number_of(face, found),
                    quality=quality_components(face, found, photo.shape, before),
                    crop_size=size,
                    altered=altered,
                    altered_share=np.count_nonzero(face_mask > 127) / face_mask.size,
                    mean_change=change,
                    gain=gain,
                    before=reported,
                    after=self._after(image, crop, options, progress) if altered else reported,
                    identity=self._identity(photo, image, face, crop, options, progress),
                )
            )
        if mask is None:
            mask = np.zeros(photo.shape[:2], np.uint8)
        return Edited(image, mask, tuple(edited))

    def _neutral_already(self, before: Expression | None) -> bool:
        if before is None or self.neutral_score is None:
            return False
        return before.score <= self.neutral_score

    def _before(
        self, photo: Image, crop: Crop, options: Options, progress: Progress
    ) -> Expression | None:
        # What decides whether the face is altered is read for every report.
        if options.report == "minimal" and self.neutral_score is None:
            return None
        return self._expression(photo, crop, progress)

    def _expression(self, photo: Image, crop: Crop, progress: Progress) -> Expression | None:
        if self.meter is None:
            return None
        with progress.stage("measure"):
            return self.meter.read(photo, crop.matrix, crop.size)

    def _after(
        self, image: Image, crop: Crop, options: Options, progress: Progress
    ) -> Expression | None:
        if options.report == "minimal":
            return None
        if self.meter is not None and options.output == "face":
            with progress.stage("measure"):
                return self.meter.read_crop(image)
        return self._expression(image, crop, progress)

    def _identity(
        self,
        photo: Image,
        image: Image,
        face: Face,
        crop: Crop,
        options: Options,
        progress: Progress,
    ) -> Identity | None:
        if self.identity_check is None:
            return None
        there = face.landmarks
        if options.output == "face":
            there = transform_points(there, crop.matrix)
        with progress.stage("identity"):
            return self.identity_check.compare(photo, image, face.landmarks, there)


def _face_change(crop: Image, neutral: Image) -> float:
    """Mean absolute difference over the region that may be altered, in grey levels."""
    red, green, blue = cv2.split(cv2.absdiff(crop, neutral))
    total = cv2.add(cv2.add(red, green, dtype=cv2.CV_32F), blue, dtype=cv2.CV_32F)
    region = region_mask(crop.shape[0])
    return float(np.vdot(total, region) / (3 * region.sum()))


def _mean_change(before: Image, after: Image, mask: NDArray[np.uint8]) -> float:
    """Mean absolute difference where the mask is over one half, in grey levels; 0 without any."""
    x, y, width, height = cv2.boundingRect(mask)
    part = slice(y, y + height), slice(x, x + width)
    half = np.asarray(mask[part] > 127, np.uint8)
    if not half.any():
        return 0.0
    change = cv2.mean(cv2.absdiff(before[part], after[part]), half)
    return sum(change[:3]) / 3
