"""One row: distances in the crop, and to the whole photographs behind it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from model_training.evaluation.cases import ArrayPicture, Case
from model_training.evaluation.compare import Photographs, Subject, compare
from model_training.evaluation.readings import Reading
from model_training.evaluation.rows import TO_PHOTOGRAPH, Distances, FaceNumbers
from model_training.evaluation.views import Seen
from tests.model_training.synthesis.standin import LANDMARKS_FILE


def test_outputs_are_also_compared_with_whole_photographs(astronaut: np.ndarray) -> None:
    points = np.asarray(np.loadtxt(LANDMARKS_FILE, delimiter=",", skiprows=1))
    eyes = points[[468, 473]]

    def at(place: float) -> Reading:
        vector = np.array([place, 0.0, 0.0])
        return Reading(FaceNumbers(2.0, 0.1, 0.3), points, {}, (0, 0, 0), 61.0, {"dlib": vector})

    case = Case("a", "a", ArrayPicture(astronaut[None], (0,), "a"))
    seen = Seen(astronaut, eyes)
    photographs = Photographs(at(0.1), at(0.4), at(0.9))
    subject = Subject(
        astronaut, eyes, (seen, at(0.3)), (seen, at(0.5)), at(0.8), {}, "", photographs
    )
    row = compare("made", case, subject, (seen, at(0.45)), None, "")
    assert row.distances["dlib"] == Distances(0.15, 0.2, 0.5, 0.05)
    assert row.distances[f"dlib{TO_PHOTOGRAPH}"] == Distances(0.35, 0.3, 0.8, 0.05)
    alone = replace(subject, photographs=None)
    assert list(compare("made", case, alone, (seen, at(0.45)), None, "").distances) == ["dlib"]
