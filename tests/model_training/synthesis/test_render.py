"""A photograph put into an expression: what must move moves, what must not stays bit-identical."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from model_training.synthesis.actions import ACTION_UNITS, shape_weights
from model_training.synthesis.atlas import TEXELS, build_atlas, unwrap, wrap
from model_training.synthesis.captures import capture
from model_training.synthesis.donors import Donors
from model_training.synthesis.expression import Expression
from model_training.synthesis.face_model import FaceModel
from model_training.synthesis.glasses import BROWS, held_still, seen_units, worn
from model_training.synthesis.interiors import choose, fill, find_opening, take_mouth
from model_training.synthesis.photos import Portrait, portrait
from model_training.synthesis.render import Look, pose_expression, render
from model_training.synthesis.sampling import draw_expression
from model_training.synthesis.subject import Subject, prepare
from model_training.synthesis.warping import REACH_CM
from tests.model_training.synthesis import standin


def wearing(model: FaceModel, **units: float) -> Expression:
    every = {**dict.fromkeys(ACTION_UNITS, 0.0), **units}
    return Expression("test", every, shape_weights(model, every))


def test_no_expression_leaves_the_photograph_as_it_is(model: FaceModel, subject: Subject) -> None:
    seen = render(model, subject, wearing(model), Look(folds=1.0))
    difference = np.abs(seen.astype(int) - subject.image)
    assert np.median(difference) == 0
    assert np.mean(difference) < 1.0


def test_an_open_jaw_opens_the_mouth_and_nothing_far_away(
    model: FaceModel, subject: Subject
) -> None:
    expression = wearing(model, AU26=0.6)
    closed = pose_expression(model, subject, wearing(model)).mouth.sum()
    opened = pose_expression(model, subject, expression).mouth.sum()
    assert opened > closed + 50
    seen = render(model, subject, expression)
    chin = subject.landmarks[152].astype(int)
    around_chin = np.s_[chin[1] - 12 : chin[1] + 4, chin[0] - 8 : chin[0] + 8]
    assert np.abs(seen[around_chin].astype(int) - subject.image[around_chin]).mean() > 3
    face = pose_expression(model, subject, expression).skin.astype(np.uint8)
    away = cv2.distanceTransform(1 - face, cv2.DIST_L2, 5) > 2.1 * REACH_CM * subject.scale
    assert away.sum() > 5000
    np.testing.assert_array_equal(seen[away], subject.image[away])


def test_a_smile_lifts_the_corner_of_its_side(model: FaceModel, subject: Subject) -> None:
    rest = pose_expression(model, subject, wearing(model)).screen[model.mediapipe_vertices]
    lopsided = Expression(
        "test", {}, shape_weights(model, {"AU12": 1.0}, asymmetry=1.0).astype(np.float32)
    )
    moved = pose_expression(model, subject, lopsided).screen[model.mediapipe_vertices]
    left, right = 291, 61
    assert moved[left, 0] - rest[left, 0] > 3
    assert rest[left, 1] - moved[left, 1] > 3
    assert np.abs(moved[right, :2] - rest[right, :2]).max() < 1


def test_frames_of_a_sequence_grow_toward_the_apex(model: FaceModel, subject: Subject) -> None:
    apex = wearing(model, AU12=1.0, AU26=0.4)
    changes = []
    for share in (0.25, 0.5, 1.0):
        frame = apex.at(share)
        assert frame.units["AU12"] == pytest.approx(share)
        seen = render(model, subject, frame)
        changes.append(np.abs(seen.astype(int) - subject.image).mean())
    assert changes == sorted(changes)


def astronaut_smiling(size: int = 208) -> Portrait:
    """Her own smile, with the opening where her teeth are."""
    points = standin.landmarks()
    original = np.loadtxt(standin.LANDMARKS_FILE, delimiter=",", skiprows=1)
    return portrait(standin.photograph(), np.where(points > 0, original, points), size)


def test_real_teeth_fill_the_opening_and_nothing_else(model: FaceModel, subject: Subject) -> None:
    mouth = take_mouth(astronaut_smiling(400))
    assert mouth is not None
    assert mouth.texture.mean() > 90  # teeth, not darkness
    deformed = pose_expression(model, subject, wearing(model, AU26=0.6))
    opening = find_opening(deformed.mouth, subject.scale)
    assert opening is not None
    inside = fill(mouth, opening, deformed.mouth, subject.white)
    assert not inside[~deformed.mouth].any()
    assert inside[deformed.mouth].mean() > 0.05
    assert choose([mouth], mouth.shape, np.random.default_rng(0)) is mouth
    assert choose([mouth], mouth.shape + 1, np.random.default_rng(0)) is None
    assert choose([], mouth.shape, np.random.default_rng(0)) is None


def test_grey_or_closed_mouths_are_not_lent() -> None:
    smile = astronaut_smiling(400)
    grey = np.repeat(smile.image.mean(2, keepdims=True), 3, axis=2).astype(np.uint8)
    assert take_mouth(Portrait(grey, smile.landmarks, smile.matrix, smile.photo_shape)) is None
    assert take_mouth(portrait(standin.photograph(), standin.landmarks(), 400)) is None


def test_closed_lips_have_no_opening() -> None:
    assert find_opening(np.zeros((50, 50), bool), 10.0) is None
    thin = np.zeros((50, 50), bool)
    thin[25, 10:40] = True
    assert find_opening(thin, 10.0) is None


def test_texture_space_round_trip(model: FaceModel, subject: Subject) -> None:
    atlas = build_atlas(model)
    ramp = np.broadcast_to(np.linspace(0, 1, 208, dtype=np.float32), (208, 208))
    texture, seen = unwrap(model, atlas, subject, ramp)
    assert texture.shape == seen.shape == (TEXELS, TEXELS)
    back = wrap(model, atlas, subject.raster, texture)
    nose = subject.landmarks[4].astype(int)
    around = np.s_[nose[1] - 10 : nose[1] + 10, nose[0] - 10 : nose[0] + 10]
    np.testing.assert_allclose(back[around], ramp[around], atol=0.02)


def test_ratio_image_finds_the_crease_that_was_drawn(model: FaceModel) -> None:
    plain = portrait(standin.photograph(), standin.landmarks(), 400)
    creased = plain.image.copy()
    line = plain.landmarks[[50, 205, 207]].round().astype(np.int32)
    shadow = np.zeros(creased.shape[:2], np.uint8)
    cv2.polylines(shadow, [line], False, 1, 6)
    creased[shadow > 0] = (creased[shadow > 0] * 0.55).astype(np.uint8)
    atlas = build_atlas(model)
    after = Portrait(creased, plain.landmarks, plain.matrix, plain.photo_shape)
    found = capture(model, atlas, plain, after)
    assert np.abs(found.weights).max() < 0.05
    assert found.log_ratio.min() < -0.5
    dark = found.log_ratio < -0.4
    assert 20 < dark.sum() < 0.05 * TEXELS**2
    assert np.abs(found.log_ratio[atlas.usable == 0]).max() == 0


def test_drawn_expressions_are_plausible_and_repeat(model: FaceModel, subject: Subject) -> None:
    same = Portrait(subject.image, np.asarray(subject.landmarks, float), np.eye(2, 3), (208, 208))
    atlas = build_atlas(model)
    donors = Donors([], [capture(model, atlas, same, same)], atlas)
    names = set()
    for seed in range(60):
        drawn = draw_expression(model, np.random.default_rng(seed), donors)
        again = draw_expression(model, np.random.default_rng(seed), donors)
        np.testing.assert_array_equal(drawn.weights, again.weights)
        assert drawn.units == again.units
        assert all(0 <= v <= 1.1 * ACTION_UNITS[u].maximum for u, v in drawn.units.items())
        names.add(drawn.name)
    assert "captured_smile" in names
    assert len(names) > 8


def test_labels_say_what_glasses_let_show() -> None:
    still, landmarks = np.zeros((208, 208), np.float32), np.full((478, 2), 100.0)
    units = {"AU43": 0.8, "AU4": 0.6, "AU12": 1.0}
    assert seen_units(still, landmarks, units) == units
    still[90:110, 90:110] = 0.75
    landmarks[list(BROWS)] = 20.0
    seen = seen_units(still, landmarks, units)
    assert seen == pytest.approx({"AU43": 0.2, "AU4": 0.6, "AU12": 1.0})


def test_glasses_are_found_and_do_not_bend(model: FaceModel) -> None:
    face = portrait(standin.photograph(), standin.landmarks(), 208)
    assert not worn(face.image)
    assert not held_still(face.image).any()
    dressed = face.image.copy()
    right, left = (int(0.365 * 208), int(0.46 * 208)), (int(0.635 * 208), int(0.46 * 208))
    for eye in (right, left):
        cv2.circle(dressed, eye, 20, (20, 20, 20), 2)
    cv2.line(dressed, (right[0] + 20, right[1]), (left[0] - 20, left[1]), (20, 20, 20), 3)
    assert worn(dressed)
    subject = prepare(model, dressed, face.landmarks)
    seen = render(model, subject, wearing(model, AU1=1.0, AU2=0.9, AU12=1.0))
    frame = (dressed.max(2) < 30) & (subject.still > 0.99)
    assert frame.sum() > 100
    np.testing.assert_allclose(seen[frame].astype(int), dressed[frame], atol=3)
    bare = prepare(model, face.image, face.landmarks)
    moved = render(model, bare, wearing(model, AU1=1.0, AU2=0.9, AU12=1.0))
    assert np.abs(moved.astype(int) - face.image)[frame].max() > 10
