"""Teeth, corners, lips and wobble: drawn faces with known answers, and a woman who smiles."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from model_training.evaluation import mouth, tables
from model_training.evaluation.cases import ArrayPicture, Case
from model_training.evaluation.compare import Subject, compare
from model_training.evaluation.control_check import broken_controls
from model_training.evaluation.readings import Reading
from model_training.evaluation.results import evaluate_rows
from model_training.evaluation.rows import (
    NO_OP,
    TEETH_SEEN,
    TRUE_NEUTRAL,
    FaceNumbers,
    MouthNumbers,
    Row,
    WobbleNumbers,
)
from model_training.evaluation.systems import Output
from model_training.evaluation.views import Seen
from model_training.evaluation.wobble import wobble
from model_training.portraits.landmarks import INNER_LIP_BOTTOM, INNER_LIP_TOP, LIPS_OUTER
from tests.model_training.evaluation.made_rows import made_row
from tests.model_training.synthesis.standin import LANDMARKS_FILE
from tests.model_training.synthesis.standin import landmarks as with_lips_closed

Image = NDArray[np.uint8]
Points = NDArray[np.float64]
Colour = tuple[int, int, int]
SKIN, LIP, TOOTH, DARK = (205, 160, 135), (170, 75, 80), (235, 230, 220), (45, 20, 20)


@pytest.fixture(scope="module")
def smiling() -> Points:
    """The astronaut's landmarks, with her mouth open."""
    return np.asarray(np.loadtxt(LANDMARKS_FILE, delimiter=",", skiprows=1))


def drawn(
    points: Points, between: tuple[int, int, int], skin: tuple[int, int, int] = SKIN
) -> Image:
    """Skin, lips, and one colour between them."""
    picture = np.full((512, 512, 3), skin, np.uint8)
    inner = [*INNER_LIP_TOP, *reversed(INNER_LIP_BOTTOM)]
    for ids, colour in ((LIPS_OUTER, LIP), (inner, between)):
        cv2.fillPoly(picture, [np.round(points[list(ids)]).astype(np.int32)], colour)
    return picture


def test_white_between_the_lips_is_teeth_and_a_dark_mouth_or_shut_lips_are_not(
    smiling: Points,
) -> None:
    # The slit around the opening, which is lip, keeps it under 1.
    assert 0.75 < mouth.teeth_share(drawn(smiling, TOOTH), smiling) < 1
    assert mouth.teeth_share(drawn(smiling, DARK), smiling) == 0
    assert mouth.teeth_share(drawn(smiling, LIP), smiling) == 0
    closed = with_lips_closed()
    assert mouth.teeth_share(drawn(closed, LIP), closed) == 0


def test_teeth_go_by_the_skin_of_the_same_face(smiling: Points) -> None:
    picture = drawn(smiling, TOOTH)
    share = mouth.teeth_share(picture, smiling)
    dim = (picture * 0.5).astype(np.uint8)
    assert mouth.teeth_share(dim, smiling) == pytest.approx(share, abs=0.02)
    dark_skin = drawn(smiling, TOOTH, (105, 70, 50))
    assert mouth.teeth_share(dark_skin, smiling) == pytest.approx(share, abs=0.02)
    # As bright as teeth, but as red as skin: a tongue, a gum, lips painted light.
    assert mouth.teeth_share(drawn(smiling, (255, 190, 160)), smiling) == 0
    # Without colour the blend at the edge of lip and tooth counts, too.
    grey = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    assert mouth.teeth_share(grey, smiling) == pytest.approx(share, abs=0.05)


def test_a_sliver_of_teeth_between_lips_that_touch_is_seen() -> None:
    closed = with_lips_closed()
    picture = drawn(closed, LIP)
    line = np.round(closed[list(INNER_LIP_TOP)]).astype(np.int32)
    cv2.polylines(picture, [line], False, TOOTH, 1)
    assert mouth.teeth_share(picture, closed) > TEETH_SEEN


def test_a_woman_who_smiles_shows_teeth_and_has_raised_corners(
    astronaut: Image, smiling: Points
) -> None:
    assert 0.2 < mouth.teeth_share(astronaut, smiling) < 0.6
    assert mouth.corner_height(smiling) > 0.1
    twice = np.asarray(cv2.resize(astronaut, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))
    share = mouth.teeth_share(astronaut, smiling)
    assert mouth.teeth_share(twice, 2 * smiling + 0.5) == pytest.approx(share, abs=0.03)


def test_corners_and_width_are_signed_and_do_not_turn_or_grow_with_the_picture() -> None:
    points = np.zeros((478, 2))
    points[468], points[473] = (100, 100), (200, 100)
    points[13], points[14] = (150, 208), (150, 212)
    points[61], points[291] = (110, 205), (190, 205)
    assert mouth.corner_height(points) == pytest.approx(0.05)
    assert mouth.mouth_width(points) == pytest.approx(0.8)
    hanging = points.copy()
    hanging[[61, 291], 1] = 215
    assert mouth.corner_height(hanging) == pytest.approx(-0.05)
    cos, sin = 2.5 * np.cos(0.4), 2.5 * np.sin(0.4)
    turned = points @ np.array([[cos, sin], [-sin, cos]]) + 30
    assert mouth.corner_height(turned) == pytest.approx(0.05)
    assert mouth.mouth_width(turned) == pytest.approx(0.8)


def test_blurred_lips_lose_detail_and_what_is_not_lips_does_not_count(
    astronaut: Image, smiling: Points
) -> None:
    base = mouth.lip_detail(astronaut, smiling)
    blurred = np.asarray(cv2.GaussianBlur(astronaut, (0, 0), 2))
    assert mouth.lip_detail(blurred, smiling) < 0.6 * base
    # All but the lips is thrown away; the border of what is kept lies beyond the Laplacian's reach.
    lips = np.zeros(astronaut.shape[:2], np.uint8)
    cv2.fillPoly(lips, [np.round(smiling[list(LIPS_OUTER)]).astype(np.int32)], 1)
    alone = np.where(cv2.dilate(lips, np.ones((5, 5), np.uint8))[..., None] > 0, astronaut, 0)
    assert mouth.lip_detail(alone.astype(np.uint8), smiling) == pytest.approx(base, rel=1e-3)


def test_lips_are_as_red_as_they_are_drawn(smiling: Points) -> None:
    red = mouth.lip_redness(drawn(smiling, TOOTH), smiling)
    lab = cv2.cvtColor(np.array([[LIP, SKIN]], np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    assert red == pytest.approx(float(lab[0, 1] - lab[1, 1]), abs=1.5)
    grey = cv2.cvtColor(drawn(smiling, TOOTH), cv2.COLOR_RGB2GRAY)
    assert mouth.lip_redness(cv2.merge([grey] * 3), smiling) == pytest.approx(0, abs=0.1)


def test_a_small_jpeg_takes_the_red_from_lips_beside_teeth(smiling: Points) -> None:
    picture = drawn(smiling, TOOTH)
    small = cv2.resize(picture, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    stored = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
    read = cv2.imdecode(stored, cv2.IMREAD_COLOR)[..., ::-1]
    own = mouth.lip_redness(picture, smiling)
    assert mouth.lip_redness(np.ascontiguousarray(read), 0.6 * smiling) < 0.9 * own


def textured(astronaut: Image) -> Image:
    """The astronaut with grain, so that points can be followed everywhere."""
    grain = np.random.default_rng(3).normal(0, 12, astronaut.shape[:2])
    smooth = cv2.GaussianBlur(grain, (0, 0), 1)[..., None] * 3
    return np.clip(astronaut + smooth, 0, 255).astype(np.uint8)


def test_nothing_wobbles_in_the_input_itself_or_when_the_mouth_alone_changes(
    astronaut: Image, smiling: Points
) -> None:
    same = wobble(astronaut, astronaut, smiling)
    assert same == WobbleNumbers(0.0, 0.0, 0.0)
    painted = astronaut.copy()
    cv2.fillPoly(painted, [np.round(smiling[list(LIPS_OUTER)]).astype(np.int32)], LIP)
    assert wobble(astronaut, painted, smiling) == same


def test_a_moved_ear_is_measured_in_eye_distances(astronaut: Image, smiling: Points) -> None:
    before = textured(astronaut)
    after = before.copy()
    side, apart = int(smiling[234, 0]), float(np.linalg.norm(smiling[473] - smiling[468]))
    top, foot = int(smiling[127, 1]) - 20, int(smiling[132, 1]) + 5
    reach = int(0.5 * apart)
    after[top:foot, side - reach : side + 1] = before[top + 1 : foot + 1, side - reach : side + 1]
    found = wobble(before, after, smiling)
    assert found.ears == pytest.approx(1 / apart, rel=0.15)
    assert found.outside is not None
    assert found.outside > 0
    assert 0.01 < found.changed < 0.2


def test_what_cannot_be_followed_still_counts_as_changed(smiling: Points) -> None:
    flat = np.full((512, 512, 3), 128, np.uint8)
    after = flat.copy()
    after[:40] = 130
    found = wobble(flat, after, smiling)
    assert (found.outside, found.ears) == (None, None)
    assert found.changed > 0
    with pytest.raises(ValueError, match="one size"):
        wobble(flat, flat[:500], smiling)


def reading(points: Points | None) -> Reading:
    face = None if points is None else FaceNumbers(2.0, 0.1, 0.3)
    return Reading(face, points, {}, (0, 0, 0), 61.0, {"dlib": np.zeros(3)})


def test_rows_carry_the_measures_of_output_and_truth(astronaut: Image, smiling: Points) -> None:
    closed = with_lips_closed()
    eyes = smiling[[468, 473]]
    calm = drawn(closed, LIP)
    case = Case("a", "a", ArrayPicture(astronaut[None], (0,), "a"))
    expressive = (Seen(astronaut, eyes), reading(smiling))
    truth = (Seen(calm, eyes), reading(closed))
    subject = Subject(astronaut, eyes, expressive, truth, None, {}, "")
    nothing = Output(astronaut, np.zeros((512, 512), np.uint8))

    row = compare(NO_OP, case, subject, expressive, nothing, "")
    assert row.mouth is not None
    assert row.mouth.teeth == pytest.approx(mouth.teeth_share(astronaut, smiling), abs=1e-5)
    assert row.mouth.teeth_truth == 0
    assert row.wobble == WobbleNumbers(0.0, 0.0, 0.0)
    assert Row.from_json(json.loads(json.dumps(row.to_json()))) == row

    true = compare(TRUE_NEUTRAL, case, subject, truth, None, "")
    assert true.wobble is None
    assert true.mouth is not None
    assert (true.mouth.corners, true.mouth.width) == (
        true.mouth.corners_truth,
        true.mouth.width_truth,
    )
    alone = compare(NO_OP, case, replace(subject, neutral=None), expressive, nothing, "")
    assert alone.mouth is not None
    assert (alone.mouth.lips, alone.mouth.teeth_truth) == (1.0, None)
    lost = compare("lost", case, subject, (Seen(astronaut, eyes), reading(None)), nothing, "")
    assert lost.mouth is None


def with_mouths() -> list[Row]:
    made = [
        (
            MouthNumbers(0.30, 0.05, 0.90, 0.5, 0.0, 0.01, 0.80, 3.0, 5.0),
            WobbleNumbers(0.02, 0.04, 0.1),
        ),
        (MouthNumbers(0.02, -0.05, 0.80, 0.9, 0.0, 0.01, 0.80), WobbleNumbers(0.0, None, 0.0)),
        (MouthNumbers(0.10, 0.01, 0.80, 1.0, 0.1, 0.01, 0.80), None),
        (None, None),
    ]
    return [
        replace(made_row(name, 4.0, 2.0, 1.0), mouth=m, wobble=w)
        for name, (m, w) in zip("abcd", made, strict=True)
    ]


def test_the_table_says_how_many_show_teeth_and_which_way_corners_are_off() -> None:
    found = evaluate_rows(with_mouths(), "made", "drawn", resamples=5)
    value = {k: e["value"] for k, e in found["systems"]["made"]["recognisers"]["dlib"].items()}
    assert value["teeth"] == pytest.approx(0.14)
    assert value["teeth seen"] == pytest.approx(2 / 3, abs=1e-4)
    assert value["teeth seen truth"] == pytest.approx(1 / 3, abs=1e-4)
    assert value["corners off"] == pytest.approx((0.04 - 0.06 + 0) / 3, abs=1e-4)
    assert value["corners apart"] == pytest.approx(0.1 / 3, abs=1e-4)
    assert value["width off"] == pytest.approx(0.1 / 3, abs=1e-4)
    assert value["lips"] == pytest.approx(0.9)
    assert (value["redness"], value["redness truth"]) == (3.0, 5.0)
    assert value["moved outside"] == pytest.approx(0.01)
    assert value["moved ears"] == pytest.approx(0.04)
    heading, (line,) = tables.mouth_table(found)
    cells = dict(zip(heading, line, strict=True))
    assert cells["teeth seen (truth)"] == "67 % (33 %)"
    assert cells["corners, g - n"].startswith("-0.007")


def test_results_from_before_these_measures_have_no_such_table(london_rows: list[Row]) -> None:
    found = evaluate_rows(london_rows, NO_OP, "old", resamples=5)
    for system in found["systems"].values():
        numbers = system["recognisers"]["dlib"]
        for key in [
            k for k in numbers if k.split()[0] in ("teeth", "corners", "width", "lips", "redness")
        ]:
            del numbers[key]
    assert tables.mouth_table(found)[1] == []
    assert "Mouth and outline" not in dict(tables.titled(found))


def test_a_no_op_that_moves_an_ear_and_a_truth_that_is_not_itself_are_caught(
    london_rows: list[Row],
) -> None:
    bent = WobbleNumbers(0.0, 0.01, 0.0)
    off = MouthNumbers(0.0, 0.02, 0.8, 1.0, 0.0, 0.0, 0.8)
    rows = [
        replace(row, wobble=bent if row.system == NO_OP else None)
        if row.system != TRUE_NEUTRAL
        else replace(row, mouth=off)
        for row in london_rows
    ]
    found = broken_controls(evaluate_rows(rows, NO_OP, "wrong", resamples=5))
    assert [line.split(" is ")[0] for line in found] == [
        "no-op (dlib): moved ears",
        "true neutral (dlib): corners off",
        "true neutral (dlib): corners apart",
    ]
