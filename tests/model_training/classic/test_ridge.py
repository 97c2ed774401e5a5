"""The closed form when pairs count by how far they step."""

from __future__ import annotations

import numpy as np
import pytest

from model_training.classic.ridge import fit_ridge, neutralizer_error, pair_weights


def curved_pairs() -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Forty people whose step grows faster than a linear map can follow."""
    random = np.random.default_rng(7)
    target = random.normal(size=(400, 4))
    wide = random.uniform(0, 1, 400)
    target[:, 0] = 0
    source = target.copy()
    source[:, 0] = np.sqrt(wide)
    target[:, 1] -= wide**2
    return source, target, [f"p{k % 40}" for k in range(400)]


def test_strong_pairs_count_for_more_when_they_are_asked_to() -> None:
    source, target, people = curved_pairs()
    far = np.argsort(-((target - source) ** 2).sum(1))[:40]

    def error(strong: float) -> float:
        found = fit_ridge(source, target, people, strong=strong)
        return neutralizer_error(found.weight, found.bias, source[far], target[far])

    assert error(1.0) < 0.9 * error(0.0)


def test_weights_have_mean_one_and_grow_with_the_step() -> None:
    source, target, _ = curved_pairs()
    assert np.array_equal(pair_weights(source, target, 0.0), np.ones(400))
    weights = pair_weights(source, target, 1.0)
    steps = ((target - source) ** 2).sum(1)
    assert weights.mean() == pytest.approx(1)
    assert weights == pytest.approx(steps / steps.mean())
    assert np.array_equal(pair_weights(source, source, 1.0), np.ones(400))
