"""Which of the detected faces are edited, and which photographs are refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from app.errors import (
    FaceCutOffError,
    FaceTooSmallError,
    MultipleFacesError,
    NoFaceError,
    NoSuchFaceError,
)
from app.faces.alignment import (
    EYE_MIDPOINT,
    core_of,
    crop_matrix,
    inside_photograph,
    transform_points,
)
from app.faces.detector import Face

FacesPolicy = Literal["one", "largest", "all"]

FACE_CHOICE = r"^([1-9]\d{0,3}|\d{1,5}(\.\d{1,3})?,\d{1,5}(\.\d{1,3})?)$"
"""A face's number, from 1 on, or a point `x,y`."""

BACKGROUND_FACE = 1 / 3
"""Faces whose eyes are less than this fraction as far apart as the main face's are background."""

SURE_SCORE = 0.888
"""Detector's score under which a face may be no human one, which is said and not refused.

Of 4,382 photographs of people 0.25 % have less, of 78 faces of animals all but one. But so have
20 % of people with a cloth over nose and mouth, and 13 % at an eighth of the light: nobody is
refused for that. docs/evaluation.md has the table, and what else was tried.
"""

_CORE_INSIDE = 0.95
_PROBE = 64


def cut_off(face: Face, shape: tuple[int, ...]) -> bool:
    """Whether a part of the face that the network needs lies outside the photograph."""
    height, width = shape[:2]
    low, high = face.landmarks.min(0), face.landmarks.max(0)
    if (low < 0).any() or high[0] > width - 1 or high[1] > height - 1:
        return True
    matrix = crop_matrix(face.landmarks[0], face.landmarks[1], _PROBE)
    core = inside_photograph(shape, matrix, _PROBE)[core_of(_PROBE)]
    return float(core.mean()) < _CORE_INSIDE


def upright(face: Face) -> bool:
    """Whether the landmarks form a face: the mouth below the eyes and the eyes apart."""
    if face.eye_distance < 1.0:
        return False
    matrix = crop_matrix(face.landmarks[0], face.landmarks[1], 1)
    points = transform_points(face.landmarks, matrix)
    return bool(points[3:, 1].mean() > EYE_MIDPOINT[1] + 0.1)


def number_of(face: Face, faces: Sequence[Face]) -> int:
    """A face's number among all that were found, largest first, from 1 on."""
    return 1 + next(index for index, other in enumerate(faces) if other is face)


def select_faces(
    faces: list[Face],
    shape: tuple[int, ...],
    policy: FacesPolicy,
    min_eye_distance: float,
    max_faces: int,
    choice: str | None = None,
) -> tuple[list[Face], list[str]]:
    """Choose the faces to edit.

    Args:
        faces: all detections, largest first.
        shape: the photograph's [H, W, ...].
        policy: `one` demands a single face (much smaller faces in the background are left as they
            are, with a warning); `largest` takes the largest; `all` takes every face that is large
            enough and whole.
        min_eye_distance: in pixels.
        max_faces: at most so many with `all`.
        choice: one face, as `FACE_CHOICE` allows; then the policy does not matter.

    Returns:
        The chosen faces, largest first, and warnings in words.

    Raises:
        NoFaceError, MultipleFacesError, NoSuchFaceError, FaceTooSmallError, FaceCutOffError
    """
    faces = [face for face in faces if upright(face)]
    if not faces:
        raise NoFaceError(
            "No face was found. The photograph should show a face from the front, upright and "
            "well lit."
        )
    if choice is not None:
        chosen = _chosen(faces, choice)
        _check_usable(chosen, shape, min_eye_distance)
        left = len(faces) - 1
        notes = [f"{left} other face(s) were left as they are."] if left else []
        return [chosen], notes + _doubts([chosen])
    if policy == "all":
        return _every_usable(faces, shape, min_eye_distance, max_faces)
    main, others = faces[0], faces[1:]
    rivals = [f for f in others if f.eye_distance >= BACKGROUND_FACE * main.eye_distance]
    if policy == "one" and rivals:
        raise MultipleFacesError(
            f"{1 + len(rivals)} faces were found, one is expected. Send a photograph of one "
            "person, or choose with face=1 (a number of the report), face=x,y (a point in it), "
            "faces=largest or faces=all.",
            boxes=[_box(face) for face in [main, *rivals]],
        )
    _check_usable(main, shape, min_eye_distance)
    notes = [f"{len(others)} other face(s) were left as they are."] if others else []
    return [main], notes + _doubts([main])


def _doubts(faces: Sequence[Face]) -> list[str]:
    """A warning for each face that may be an animal's."""
    return [
        f"maybe_not_a_human_face: the detector is not sure of the face at {_box(face)[:2]} (score "
        f"{face.score:.3f}, a human face has {SURE_SCORE} or more). An animal's, a drawn, a "
        "covered or a badly lit face may be like this: look at the result."
        for face in faces
        if face.score < SURE_SCORE
    ]


def _chosen(faces: list[Face], choice: str) -> Face:
    boxes = [_box(face) for face in faces]
    if "," not in choice:
        number = int(choice)
        if number > len(faces):
            raise NoSuchFaceError(
                f"face={number} was chosen, but {len(faces)} were found.", boxes=boxes
            )
        return faces[number - 1]
    x, y = map(float, choice.split(","))
    there = [face for face in faces if _contains(face, x, y)]
    if not there:
        raise NoSuchFaceError(f"There is no face at the point {choice}.", boxes=boxes)
    # Where boxes overlap, the face whose middle is nearest.
    return min(there, key=lambda face: math.dist(face.landmarks.mean(0).tolist(), (x, y)))


def _contains(face: Face, x: float, y: float) -> bool:
    left, top, width, height = face.box
    return left <= x <= left + width and top <= y <= top + height


def _every_usable(
    faces: list[Face], shape: tuple[int, ...], min_eye_distance: float, max_faces: int
) -> tuple[list[Face], list[str]]:
    usable: list[Face] = []
    first_problem: FaceTooSmallError | FaceCutOffError | None = None
    for face in faces:
        try:
            _check_usable(face, shape, min_eye_distance)
        except (FaceTooSmallError, FaceCutOffError) as problem:
            first_problem = first_problem or problem
        else:
            usable.append(face)
    if not usable and first_problem is not None:
        raise first_problem
    chosen = usable[:max_faces]
    left = len(faces) - len(chosen)
    notes = (
        [
            f"{left} face(s) were left as they are: too small, cut off, or over the limit "
            f"of {max_faces}."
        ]
        if left
        else []
    )
    return chosen, notes + _doubts(chosen)


def _check_usable(face: Face, shape: tuple[int, ...], min_eye_distance: float) -> None:
    if face.eye_distance < min_eye_distance:
        raise FaceTooSmallError(
            f"The eyes are {face.eye_distance:.0f} pixels apart; at least "
            f"{min_eye_distance:.0f} are needed.",
            eye_distance=round(face.eye_distance, 1),
            min_eye_distance=min_eye_distance,
            box=_box(face),
        )
    if cut_off(face, shape):
        raise FaceCutOffError(
            "A part of the face lies outside the photograph. The whole face, from the brows to "
            "the lower lip, has to be in it.",
            box=_box(face),
        )


def _box(face: Face) -> list[float]:
    return [round(float(value), 1) for value in face.box]
