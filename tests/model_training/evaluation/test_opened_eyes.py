"""Which faces are looked at, and what the shares mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.faces.detector import FaceDetector
from model_training.evaluation.cache import Cache
from model_training.evaluation.cases import Case, FilePicture
from model_training.evaluation.opened_eyes import Face, Outcome, draw, summary, unseen_faces
from model_training.evaluation.report.sheets import CAPTION, GAP
from model_training.evaluation.systems import FusedModel
from model_training.evaluation.views import EyeFinder
from model_training.portraits.landmarks import LandmarkTable
from model_training.portraits.split import hashed_into_validation
from tests.app.toy_graph import write_models
from tests.model_training.drawn_eyes import make_faces


def outcome(
    labels: tuple[float, float],
    before: tuple[float, float],
    after: tuple[float, float],
    distance: float,
) -> Outcome:
    case = Case("a", "a", FilePicture(Path("a"), "a"))
    face = Face(case, np.array(labels, np.float32))
    return Outcome(face, np.array(before, np.float32), np.array(after, np.float32), distance)


def test_shares_count_eyes_and_faces_once() -> None:
    found = summary(
        [
            outcome((1, 1), (0.02, 0.04), (0.3, 0.05), 0.3),
            outcome((1, 0), (0.03, 0.3), (0.2, 0.28), 0.7),
            outcome((0, 0), (0.3, 0.3), (0.3, 0.08), 0.1),
            # The table says shut, the picture that is measured does not: nothing to open.
            outcome((1, 0.5), (0.3, 0.3), (0.3, 0.3), 0.1),
        ]
    )
    assert found["shut_eyes"] == 3
    assert found["opened"] == pytest.approx(2 / 3, abs=1e-3)
    assert found["aperture_before"] == pytest.approx(0.03)
    assert found["aperture_after"] == pytest.approx(0.55 / 3, abs=1e-3)
    assert found["same_person"] == 0.5
    assert found["open_eyes"] == 3
    assert found["still_open"] == pytest.approx(2 / 3, abs=1e-3)
    assert found["same_person_open"] == 1.0


def test_nothing_is_reported_of_nobody() -> None:
    found = summary([])
    assert found["shut_eyes"] == found["open_eyes"] == 0
    assert np.isnan(found["opened"])


def test_only_people_who_were_not_trained_on(tmp_path: Path) -> None:
    table = LandmarkTable.load(make_faces(tmp_path, people=40))
    people = [f"train_{k}" for k in range(40)]
    unseen = {p for p in people if hashed_into_validation(p)}
    assert unseen, "somebody of forty is hashed into validation"
    faces = unseen_faces(tmp_path, table, ["fairface"], 100, trained=["fairface"])
    assert {face.case.person for face in faces} == unseen
    everybody = unseen_faces(tmp_path, table, ["fairface"], 100, trained=["london"])
    assert {face.case.person for face in everybody} == set(people)
    some = unseen_faces(tmp_path, table, ["fairface"], 3, trained=["london"])
    shut = [face for face in some if (face.labels == 1).any()]
    assert len(some) - len(shut) == 3
    assert len(shut) == sum(k % 6 >= 4 for k in range(40))
    assert some[0].case.expressive.read().shape == (384, 384, 3)


def test_the_sheet_shows_faces_with_a_shut_eye_least_opened_first(tmp_path: Path) -> None:
    system = FusedModel(write_models(tmp_path / "models"), "photo")
    finder = EyeFinder(FaceDetector(), Cache(tmp_path / "cache"))
    photo = FilePicture(Path("docs/samples/astronaut.jpg"), "astronaut")

    def shown(labels: tuple[float, float], after: tuple[float, float], person: str) -> Outcome:
        face = Face(Case(person, person, photo), np.array(labels, np.float32))
        return Outcome(face, np.full(2, 0.05, np.float32), np.array(after, np.float32), 0.2)

    outcomes = [
        shown((1, 0), (0.3, 0.3), "opened"),
        shown((0, 0), (0.3, 0.3), "never shut"),
        shown((1, 1), (0.3, 0.05), "half opened"),
    ]
    page = draw(outcomes, system, finder, 96, 24)
    # Two faces of input and output on one line, and nobody whose eyes were open.
    assert page.shape == (96 + CAPTION + 2 * GAP, 2 * (2 * 96 + GAP) + GAP, 3)
    first = draw(outcomes[2:], system, finder, 96, 24)
    width = 2 * 96 + GAP
    assert np.array_equal(page[:, :width], first[:, :width]), "the half opened one comes first"
    with pytest.raises(ValueError, match="at least one"):
        draw(outcomes[1:2], system, finder, 96, 24)
