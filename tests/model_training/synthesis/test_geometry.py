"""Rasteriser, normals, face model, fitting and light: the parts with exact answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model_training.synthesis.actions import (
    ACTION_UNITS,
    PROTOTYPES,
    measured_units,
    shape_weights,
)
from model_training.synthesis.face_model import (
    FaceModel,
    FaceModelError,
    Region,
    load_face_model,
)
from model_training.synthesis.fitting import Pose, fit
from model_training.synthesis.lighting import (
    estimate_light,
    harmonics,
    shading,
    to_display,
    to_linear,
)
from model_training.synthesis.rasterizer import interpolate, rasterize, vertex_normals
from model_training.synthesis.wavefront import read_obj, read_obj_folder


def test_nearer_triangle_hides_the_farther_one() -> None:
    near = [[1, 1, 5], [8, 1, 5], [1, 8, 5]]
    far = [[0, 0, 0], [19, 0, 0], [0, 19, 0]]
    vertices = np.array(near + far, np.float32)
    triangles = np.array([[3, 4, 5], [0, 1, 2]], np.int32)
    raster = rasterize(vertices, triangles, 20, 20)
    assert raster.triangle[2, 2] == 1
    assert raster.triangle[10, 2] == 0
    assert raster.triangle[19, 19] == -1
    assert raster.depth[2, 2] == pytest.approx(5)


def test_interpolation_reproduces_a_linear_function() -> None:
    rng = np.random.default_rng(1)
    vertices = np.column_stack([rng.uniform(0, 30, (12, 2)), np.zeros(12)]).astype(np.float32)
    triangles = rng.permutation(12).reshape(4, 3).astype(np.int32)
    raster = rasterize(vertices, triangles, 32, 32)
    seen = interpolate(raster, triangles, vertices[:, :2] @ np.array([[2, 1], [0, 3]], np.float32))
    rows, columns = np.nonzero(raster.triangle >= 0)
    assert len(rows) > 20
    expected = np.column_stack([2 * columns, columns + 3 * rows])
    np.testing.assert_allclose(seen[rows, columns], expected, atol=1e-3)
    assert not seen[raster.triangle < 0].any()


def test_normals_point_out_of_a_tetrahedron() -> None:
    vertices = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], np.float32)
    triangles = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]], np.int32)
    normals = vertex_normals(vertices, triangles)
    np.testing.assert_allclose(normals, vertices / np.sqrt(3), atol=1e-5)


def test_loader_keeps_the_visible_parts(model: FaceModel) -> None:
    assert set(np.unique(model.region)) == {int(region) for region in Region}
    assert model.triangles.min() == 0
    assert model.triangles.max() == len(model.vertices) - 1
    assert len(model.landmark_ids) > 200
    assert model.shape_index("jawOpen") >= 0
    with pytest.raises(FaceModelError, match="no expression shape"):
        model.shape_index("wiggleEars")


def test_loader_refuses_what_is_no_face_model(tmp_path: Path) -> None:
    with pytest.raises(FaceModelError, match="no face model"):
        load_face_model(tmp_path / "missing.npz")
    np.savez(tmp_path / "other.npz", vertices=np.zeros((3, 3)))
    with pytest.raises(FaceModelError, match="lacks"):
        load_face_model(tmp_path / "other.npz")


def test_obj_folder_becomes_deltas(tmp_path: Path) -> None:
    square = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 {z}\n"
    faces = "vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\nusemtl skin\nf 1/1 2/2 3/3 4/4\n"
    (tmp_path / "generic_neutral_mesh.obj").write_text(square.format(z=0) + faces)
    (tmp_path / "identity000.obj").write_text(square.format(z=2) + faces)
    (tmp_path / "jawOpen.obj").write_text(square.format(z=-1) + faces)
    raw = read_obj_folder(tmp_path)
    assert raw.triangles.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert raw.expression_names == ("jawOpen",)
    assert raw.identity[0, 3, 2] == 2
    assert raw.expression[0, 3, 2] == -1
    assert read_obj(tmp_path / "jawOpen.obj")[1].shape == (4, 2)
    (tmp_path / "jawOpen.obj").write_text("v 0 0 0\n")
    with pytest.raises(ValueError, match="1 vertices, not 4"):
        read_obj_folder(tmp_path)


def test_fit_recovers_camera_and_expression(model: FaceModel) -> None:
    yaw = np.radians(8)
    rotation = np.array(
        [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]], np.float32
    )
    pose = Pose(rotation, 12.0, np.array([100, -90], np.float32))
    weights = np.zeros(len(model.expression_names), np.float32)
    weights[model.shape_index("jawOpen")] = 0.8
    projected = pose.project(model.deform(model.vertices, weights))
    landmarks = np.zeros((478, 2))
    landmarks[model.landmark_ids] = projected[model.landmark_vertices, :2]
    found = fit(model, landmarks, expression_prior=0.01)
    assert found.rms_cm < 0.1
    assert found.pose.scale == pytest.approx(12.0, rel=0.06)
    angle = np.degrees(np.arctan2(found.pose.rotation[0, 2], found.pose.rotation[0, 0]))
    assert angle == pytest.approx(8, abs=2.5)
    assert found.expression[model.shape_index("jawOpen")] == pytest.approx(0.8, abs=0.15)
    ignoring = fit(model, landmarks, expression_prior=0.01, ignore=("jawOpen",))
    assert ignoring.expression[model.shape_index("jawOpen")] == 0


def test_light_is_recovered_from_shaded_normals() -> None:
    rng = np.random.default_rng(2)
    normals = rng.normal(size=(4000, 3))
    normals[:, 2] = np.abs(normals[:, 2])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    light = np.array([0.4, 0.05, 0.1, 0.15, 0, 0, 0, 0, 0])
    found = estimate_light(normals, harmonics(normals) @ light)
    np.testing.assert_allclose(shading(normals, found, 0), harmonics(normals) @ light, atol=0.02)


def test_linear_light_and_back_is_exact() -> None:
    values = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(to_display(to_linear(values)), values)


def test_units_drive_both_sides_and_can_be_read_back(model: FaceModel) -> None:
    weights = shape_weights(model, {"AU12": 0.6}, asymmetry=0.2)
    assert weights[model.shape_index("mouthSmile_L")] == pytest.approx(0.72)
    assert weights[model.shape_index("mouthSmile_R")] == pytest.approx(0.48)
    assert measured_units(model, weights)["AU12"] == pytest.approx(0.6)
    wide = measured_units(model, shape_weights(model, {"AU27": 0.9}))
    assert wide["AU27"] == pytest.approx(0.9)
    assert wide["AU26"] == 0


def test_prototypes_name_known_units_and_shapes(model: FaceModel) -> None:
    for units in PROTOTYPES.values():
        assert set(units) <= set(ACTION_UNITS)
    for unit in ACTION_UNITS:
        assert shape_weights(model, {unit: 1.0}).any(), unit
