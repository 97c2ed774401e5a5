"""What is written is what is read."""

from pathlib import Path

import numpy as np
import pytest

from model_training.photo.pair_store import PairStore, joined, write_pairs
from tests.model_training.photo_set import MOUTH, drawn_geometry


def test_round_trip(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, 256, (5, 2, 64, 64, 3), dtype=np.uint8)
    valid = np.ones((5, 64, 64), bool)
    valid[3, 10, 11] = False
    geometry = drawn_geometry(64)
    write_pairs(tmp_path / "set", pairs, valid, [geometry] * 5)
    store = PairStore.open(tmp_path / "set")
    assert len(store) == 5
    found = store.batch(np.array([3, 0]))
    assert np.array_equal(found.neutral, pairs[[3, 0], 0])
    assert np.array_equal(found.expressive, pairs[[3, 0], 1])
    assert np.array_equal(found.flow[0], geometry.flow.astype(np.float32))
    assert not found.known[0, 5, 5], "one of its four pixels is not to be trusted"
    assert found.known[0].sum() == 32 * 32 - 1
    assert found.known[1].all()
    assert found.opening[0].sum() * 4 == geometry.opening.sum()
    assert found.line[0, :, 1] == pytest.approx(MOUTH[1] * 64)
    assert (np.diff(found.line[0, :, 0]) > 0).all()
    both = joined([found, found])
    assert both.neutral.shape == (4, 64, 64, 3)


def test_a_set_without_geometry_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "pairs.npy", np.zeros((1, 2, 8, 8, 3), np.uint8))
    with pytest.raises(FileNotFoundError):
        PairStore.open(tmp_path)
