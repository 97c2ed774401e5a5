"""The prior for calm faces: mean, directions, mirror images, and what it makes of bad landmarks."""

import numpy as np

from model_training.photo.calm_shapes import CalmShapes

SIDE = 100


def faces(count: int = 400, seed: int = 0) -> np.ndarray:
    """Six points in three mirrored couples that only ever move together."""
    rng = np.random.default_rng(seed)
    base = np.array([[30, 30], [69, 30], [40, 70], [59, 70], [35, 50], [64, 50]], float)
    up = rng.normal(0, 4, (count, 1, 1)) * np.array([0, 1])
    wide = rng.normal(0, 3, (count, 1, 1)) * np.sign(base - 49.5)[None] * np.array([1, 0])
    return np.asarray(base + up + wide + rng.normal(0, 0.2, (count, 6, 2)))


def test_mirrored_points_find_their_partners() -> None:
    shapes = CalmShapes.of(faces(), SIDE, components=2)
    assert shapes.mirror.tolist() == [1, 0, 3, 2, 5, 4]
    turned = shapes.mean[shapes.mirror] * [-1, 1] + [SIDE - 1, 0]
    assert np.allclose(turned, shapes.mean)
    assert shapes.directions.shape == (12, 2)
    # Height first: its deviation is 4 px at each of six points.
    lengths = np.linalg.norm(shapes.directions, axis=0)
    assert np.allclose(lengths, [4 * 6**0.5, 3 * 6**0.5], rtol=0.1)


def test_a_face_is_found_again_and_a_wrong_point_is_put_right() -> None:
    shapes = CalmShapes.of(faces(), SIDE, components=2)
    face = faces(1, seed=5)[0]
    sure = np.full(6, 0.5)
    assert np.abs(shapes.most_likely(face, sure) - face).max() < 0.8
    bent = face.copy()
    bent[4] += [9, -9]
    unsure = np.where(np.arange(6) == 4, 20.0, 0.5)
    assert np.abs(shapes.most_likely(bent, unsure) - face).max() < 1.0
    assert np.abs(shapes.most_likely(bent, sure)[4] - face[4]).max() > 1.0


def test_what_nobody_saw_is_the_mean() -> None:
    shapes = CalmShapes.of(faces(), SIDE)
    found = shapes.most_likely(np.zeros((6, 2)), np.full(6, 1e9))
    assert np.allclose(found, shapes.mean, atol=1e-6)
