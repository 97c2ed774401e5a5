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
from model_training.evaluation.cases import Case, Image, Picture
from model_training.evaluation.systems import Output
from model_training.evaluation.views import CropView, EyeFinder, NoFaceError, PhotoView, View

MEAN_SIZE = 256
MEAN_OF_AT_MOST = 300


class NoOp:
    """The input itself: removes nothing, keeps everything."""

    name = "no-op"

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


class MeanFace:
    """Everybody gets the mean of many neutral faces: neutral, blurred, and nobody."""

    name = "mean neutral face"

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
