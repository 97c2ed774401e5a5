"""Systems whose result is known beforehand; every table carries them.

A measure that calls the no-op good, or the mean face the person, is broken, and one that is worse
for the true neutral than for a model measures something else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.faces.alignment import choose_crop_size, crop_matrix, cut
from app.faces.compositing import composite
from model_training.evaluation.cases import Case, Dataset, Image, Picture
from model_training.evaluation.rows import CLASSIC_VIEW, MEAN_FACE, NO_OP
from model_training.evaluation.systems import Output, System
from model_training.evaluation.views import CropView, EyeFinder, NoFaceError, PhotoView, View
from model_training.portraits.luma import LUMA

CLASSIC_SIDE = 112
"""Pixels of the crop that `classic` sees."""
MEAN_SIZE = 256
MEAN_OF_AT_MOST = 300


class NoOp:
    """The input itself: removes nothing, keeps everything."""

    name = NO_OP

    def __init__(self, view: View) -> None:
        self.view = view

    def fingerprint(self, case: Case) -> str:
        """Constant."""
        del case
        return "no-op"

    def neutralize(self, case: Case, photo: Image, eyes: NDArray[np.float64]) -> Output:
        """The input through the view; the mask is empty."""
        del case
        image = self.view.see(photo, eyes).image
        return Output(image, np.zeros(image.shape[:2], np.uint8))


class ClassicView:
    """The input as `classic` sees it and gives it back, grey and 112 px, with nothing else done.

    What it loses is lost by the crop and not by the network: the difference to `classic` is the
    network's.
    """

    name = CLASSIC_VIEW

    def __init__(self, view: View) -> None:
        self.view = view

    def fingerprint(self, case: Case) -> str:
        """Constant."""
        del case
        return f"grey-{CLASSIC_SIDE}"

    def neutralize(self, case: Case, photo: Image, eyes: NDArray[np.float64]) -> Output:
        """The grey crop (by the fused graph's own luma and rounding), put back in a whole photo."""
        del case
        crop = cut(photo, crop_matrix(eyes[0], eyes[1], CLASSIC_SIDE), CLASSIC_SIDE)
        luma = np.rint(crop.image.astype(np.float32) @ np.array(LUMA, np.float32))
        grey = np.repeat(luma.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
        if isinstance(self.view, CropView):
            return Output(grey, None)
        image, mask = composite(photo, crop, grey)
        return Output(image, mask)


class MeanFace:
    """Everybody gets the mean of many neutral faces: neutral, blurred, and nobody."""

    name = MEAN_FACE

    def __init__(self, view: View, mean: Image) -> None:
        self.view = view
        self._mean = mean
        self._fingerprint = hashlib.sha256(mean.tobytes()).hexdigest()

    def fingerprint(self, case: Case) -> str:
        """Hash of the mean picture."""
        del case
        return self._fingerprint

    def neutralize(self, case: Case, photo: Image, eyes: NDArray[np.float64]) -> Output:
        """The mean face composited like a model's output (or as the crop view shows it)."""
        del case
        size = MEAN_SIZE
        there = np.eye(2, 3)
        if isinstance(self.view, CropView):
            middle = crop_matrix_eyes(size)
            return Output(self.view.see(self._mean, middle).image, None)
        if isinstance(self.view, PhotoView):
            size = choose_crop_size(float(np.linalg.norm(eyes[1] - eyes[0])))
            there[:, :2] *= size / MEAN_SIZE
            there[:, 2] = 0.5 * size / MEAN_SIZE - 0.5
        crop = cut(photo, crop_matrix(eyes[0], eyes[1], size), size)
        image, mask = composite(photo, crop, cut(self._mean, there, size).image)
        return Output(image, mask)


def crop_matrix_eyes(size: int) -> NDArray[np.float64]:
    """Where the crop contract puts the two eyes in a crop of this side, [2, 2]."""
    from app.faces.alignment import EYE_MIDPOINT, INTER_OCULAR

    half = np.array([INTER_OCULAR * size / 2, 0.0])
    middle = np.array(EYE_MIDPOINT) * size
    return np.stack([middle - half, middle + half])


def mean_face(finder: EyeFinder, pool: Sequence[Picture]) -> Image:
    """Mean of the aligned crops of at most `MEAN_OF_AT_MOST` neutral pictures, uint8 RGB."""
    total = np.zeros((MEAN_SIZE, MEAN_SIZE, 3), np.float64)
    used = 0
    for picture in pool[:MEAN_OF_AT_MOST]:
        photo = picture.read()
        try:
            eyes = finder.find(photo, picture.name)
        except NoFaceError:
            continue
        total += cut(photo, crop_matrix(eyes[0], eyes[1], MEAN_SIZE), MEAN_SIZE).image
        used += 1
    if not used:
        raise NoFaceError("no face in any neutral picture: no mean face")
    return np.asarray(np.rint(total / used), np.uint8)


def with_controls(system: System, dataset: Dataset, finder: EyeFinder) -> list[System]:
    """The system, and the controls seen through its view.

    The true neutral is not among them: it needs no system, and `Runner` adds it.
    """
    systems: list[System] = [system]
    if not isinstance(system, NoOp):
        systems.append(NoOp(system.view))
    if isinstance(system.view, CropView) or system.name.startswith("classic"):
        systems.append(ClassicView(system.view))
    if dataset.neutral_pool:
        systems.append(MeanFace(system.view, mean_face(finder, dataset.neutral_pool)))
    return systems
