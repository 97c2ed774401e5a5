"""The flow between the members of a pair is found where there is one."""

import cv2
import numpy as np
import torch

from model_training.photo.pair_flow import PairFlow

SIZE = 128


def _texture() -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=(SIZE, SIZE)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)
    return np.clip(128 + smooth * (50 / smooth.std()), 0, 255).astype(np.uint8)


def _shifted(image: np.ndarray, x: float, y: float) -> np.ndarray:
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float32)
    return cv2.warpAffine(image, matrix, (SIZE, SIZE), borderMode=cv2.BORDER_REFLECT)


def test_a_shift_is_found_in_pixels_and_in_the_right_direction() -> None:
    neutral = _texture()
    flow, trust = PairFlow().one(neutral, _shifted(neutral, 3, -2))
    middle = slice(24, -24)
    assert np.median(trust[middle, middle]) == 1
    # What lies at p in the neutral picture lies at p + flow in the other.
    np.testing.assert_allclose(np.median(flow[middle, middle], (0, 1)), [3, -2], atol=0.2)


def test_what_appears_in_one_picture_only_is_not_trusted() -> None:
    neutral = _texture()
    expressive = neutral.copy()
    expressive[48:80, 40:88] = np.random.default_rng(1).integers(0, 256, (32, 48), np.uint8)
    trust = PairFlow().one(neutral, expressive)[1]
    assert trust[50:78, 42:86].mean() < 0.7
    assert trust[100:, :].mean() > 0.95


def test_a_batch_has_flow_for_the_wanted_only() -> None:
    grey = torch.from_numpy(_texture()).float() / 127.5 - 1
    moved = torch.from_numpy(_shifted(_texture(), 2, 0)).float() / 127.5 - 1
    neutral, expressive = (g.expand(2, 3, SIZE, SIZE) for g in (grey, moved))
    found = PairFlow()(neutral, expressive, torch.tensor([True, False]))
    assert found.shape == (2, 3, SIZE, SIZE)
    assert abs(found[0, 0, 40:-40, 40:-40].median().item() - 2) < 0.2
    assert found[1].abs().max() == 0
