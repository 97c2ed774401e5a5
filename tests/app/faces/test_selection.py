from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.errors import (
    FaceCutOffError,
    FaceTooSmallError,
    MultipleFacesError,
    NoFaceError,
    NoSuchFaceError,
)
from app.faces.detector import Face
from app.faces.selection import FacesPolicy, select_faces

SHAPE = (1000, 1000, 3)


def face(x: float = 500, y: float = 400, eyes: float = 100) -> Face:
    """A frontal face with the midpoint of its eyes at (x, y)."""
    offsets = np.array([[-0.5, 0], [0.5, 0], [0, 0.6], [-0.4, 1.0], [0.4, 1.0]])
    box = (x - 0.9 * eyes, y - 0.8 * eyes, 1.8 * eyes, 2.3 * eyes)
    return Face(box=box, landmarks=offsets * eyes + [x, y], score=0.9)


def choose(faces: list[Face], policy: FacesPolicy = "one") -> tuple[list[Face], list[str]]:
    return select_faces(faces, SHAPE, policy, min_eye_distance=24, max_faces=2)


def test_one_face() -> None:
    only = face()
    assert choose([only]) == ([only], [])


@pytest.mark.parametrize("policy", ["one", "largest", "all"])
def test_nobody(policy: FacesPolicy) -> None:
    with pytest.raises(NoFaceError):
        choose([], policy)


def test_several_faces() -> None:
    big, small = face(300, 400, 100), face(700, 400, 80)
    with pytest.raises(MultipleFacesError) as caught:
        choose([big, small])
    assert len(caught.value.facts["boxes"]) == 2
    assert choose([big, small], "largest")[0] == [big]
    assert choose([big, small], "all") == ([big, small], [])


def test_faces_far_in_the_background_do_not_count() -> None:
    main, passer_by = face(300, 400, 120), face(800, 300, 30)
    chosen, notes = choose([main, passer_by])
    assert chosen == [main]
    assert "1 other face" in notes[0]


@pytest.mark.parametrize("policy", ["one", "largest", "all"])
def test_too_small(policy: FacesPolicy) -> None:
    with pytest.raises(FaceTooSmallError) as caught:
        choose([face(eyes=20)], policy)
    assert caught.value.facts["min_eye_distance"] == 24


@pytest.mark.parametrize("where", [(500, 950), (20, 400), (500, 20), (985, 400)])
def test_cut_off(where: tuple[float, float]) -> None:
    with pytest.raises(FaceCutOffError):
        choose([face(*where)])


@pytest.mark.parametrize("where", [(500, 820), (130, 400), (500, 100), (870, 400)])
def test_close_to_the_edge_is_not_cut_off(where: tuple[float, float]) -> None:
    assert len(choose([face(*where)])[0]) == 1


def test_all_leaves_out_what_cannot_be_edited_and_says_so() -> None:
    good, small, cut = face(300, 400, 100), face(700, 400, 20), face(990, 400, 60)
    chosen, notes = choose([good, cut, small], "all")
    assert chosen == [good]
    assert notes[0].startswith("2 face(s)")


def test_all_has_a_limit() -> None:
    faces = [face(200, 300, 60), face(500, 300, 60), face(800, 300, 60)]
    chosen, notes = choose(faces, "all")
    assert len(chosen) == 2
    assert notes


def test_upside_down_detections_are_no_faces() -> None:
    turned = face()
    landmarks = turned.landmarks.copy()
    landmarks[2:, 1] = 400 - (landmarks[2:, 1] - 400)
    with pytest.raises(NoFaceError):
        choose([Face(turned.box, landmarks, 0.9)])


def test_a_face_is_chosen_by_number_or_point() -> None:
    faces = [face(200, 200, 60), face(500, 220, 50)]
    for choice, wanted in (("1", 0), ("2", 1), ("500,230", 1), ("200.5,210", 0)):
        [chosen], notes = select_faces(faces, SHAPE, "one", 24, 2, choice)
        assert chosen is faces[wanted]
        assert notes == ["1 other face(s) were left as they are."]
    for choice in ("3", "350,400"):
        with pytest.raises(NoSuchFaceError) as refused:
            select_faces(faces, SHAPE, "one", 24, 2, choice)
        assert len(refused.value.facts["boxes"]) == 2


def test_a_face_that_the_detector_is_not_sure_of_is_said() -> None:
    sure, unsure = face(), replace(face(), score=0.87)
    assert choose([sure])[1] == []
    for policy in ("one", "largest", "all"):
        [note] = choose([unsure], policy)[1]
        assert note.startswith("maybe_not_a_human_face: ")
        assert "0.870" in note
