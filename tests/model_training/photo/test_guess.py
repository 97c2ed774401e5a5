"""Guessed calm landmarks: motion that is undone, and the pull towards calm faces."""

import numpy as np
import pytest
import torch

from model_training.photo.calm_shapes import CalmShapes
from model_training.photo.config import PhotoConfig
from model_training.photo.guess import Guesser, moved_back
from model_training.photo.network import PhotoMaps, PhotoNet
from model_training.portraits.landmarks import INNER_LIP_BOTTOM, INNER_LIP_TOP, LIPS, MESH
from tests.model_training.photo.maps import plain_maps

PIXEL = 2 / 192
RISE = 4.0
"""Pixels by which the toy network moves lower lip and jaw up, and the rest down."""


def face(seed: int = 0) -> np.ndarray:
    """Landmarks somewhere on a face, the lips where a mouth is, float32 [468, 2]."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(90, 166, (MESH, 2))
    points[list(LIPS)] = rng.uniform((108, 180), (148, 196), (len(LIPS), 2))
    return np.asarray(points, np.float32)


def closing() -> PhotoMaps:
    maps = plain_maps()
    down, up = torch.tensor([0.0, -RISE]), torch.tensor([0.0, RISE])
    flow = [(part * PIXEL).view(1, 2, 1, 1).expand_as(maps.upper) for part in (down, up)]
    rows = (torch.arange(96.0) * 2 + 0.5 - 130).view(1, 1, 96, 1).expand_as(maps.line)
    return maps._replace(upper=flow[0], lower=flow[1], line=rows)


def test_lips_follow_their_own_layer_and_skin_the_one_that_shows_it() -> None:
    points = face()
    moved = moved_back(PhotoMaps(*(part[0] for part in closing())), points) - points
    upper, lower = list(INNER_LIP_TOP[1:-1]), list(INNER_LIP_BOTTOM[1:-1])
    assert np.allclose(moved[upper], [0, RISE], atol=1e-3)
    assert np.allclose(moved[lower], [0, -RISE], atol=1e-3)
    skin = ~np.isin(np.arange(MESH), LIPS)
    assert np.allclose(moved[skin & (points[:, 1] < 170)], [0, RISE], atol=1e-3)


def test_a_bent_motion_is_inverted() -> None:
    maps = plain_maps()
    x = torch.linspace(-1, 1, 96).view(1, 1, 1, 96)
    bent = torch.cat([0.02 * torch.cos(3 * x), 0.03 * x], 1).expand_as(maps.upper)
    maps = PhotoMaps(*(part[0] for part in maps._replace(upper=bent, lower=bent)))
    points = face(1)
    calm = moved_back(maps, points)
    place = (calm[:, 0] - 32 + 0.5) / 96 - 1
    flow = np.stack([0.02 * np.cos(3 * place), 0.03 * place], 1) * 96
    assert np.abs(calm + flow - points).max() < 0.05


@pytest.fixture
def guesser() -> Guesser:
    """A network whose motion is the same everywhere, and faces that differ in height alone."""
    network = PhotoNet(PhotoConfig(widths=(4, 4, 8, 8), middle_blocks=1, fine=8)).eval()
    with torch.no_grad():
        # Motion is tanh(.) * max_flow, in half windows: upwards in the picture for all.
        value = np.arctanh(RISE * PIXEL / network.config.max_flow)
        assert network.coarse_motion.bias is not None
        network.coarse_motion.bias[1::2] = float(value)
        network.reach.fill_(1.0)
    half = face()[: MESH // 2]
    base = np.concatenate([half, half * [-1, 1] + [255, 0]])
    rise = np.random.default_rng(3).normal(0, 5, (200, 1, 1)) * np.array([0, 1])
    return Guesser(network, CalmShapes.of(base + rise, 256))


def test_a_guess_is_the_moved_face_however_the_network_looks(guesser: Guesser) -> None:
    seen = guesser.shapes.mean + np.array([0, 2])
    crop = torch.zeros(1, 3, 256, 256)
    guess = guesser(crop, seen, np.random.default_rng(0))
    assert np.abs(guess.points - (seen - [0, RISE])).max() < 0.6
    assert guess.wavering < 0.5
    again = guesser(crop, seen, np.random.default_rng(0))
    assert np.array_equal(guess.points, again.points)


def test_a_guess_looks_like_a_calm_face(guesser: Guesser) -> None:
    seen = guesser.shapes.mean.copy()
    seen[13] += [0, 12]
    guess = guesser(torch.zeros(1, 3, 256, 256), seen, np.random.default_rng(0))
    assert np.abs(guess.points[13] - (guesser.shapes.mean[13] - [0, RISE])).max() < 1.5
