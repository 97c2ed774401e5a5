"""What is written is what is read."""

from pathlib import Path

import numpy as np

from model_training.photo.pair_store import PairStore, write_pairs


def test_round_trip(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, 256, (5, 2, 16, 16, 3), dtype=np.uint8)
    valid = rng.random((5, 16, 16)) < 0.5
    write_pairs(tmp_path / "set", pairs, valid)
    store = PairStore.open(tmp_path / "set")
    assert (len(store), store.size) == (5, 16)
    neutral, expressive, trusted = store.batch(np.array([3, 0]))
    assert np.array_equal(neutral, pairs[[3, 0], 0])
    assert np.array_equal(expressive, pairs[[3, 0], 1])
    assert np.array_equal(trusted, valid[[3, 0]])
    assert sorted(p.name for p in (tmp_path / "set").iterdir()) == ["pairs.npy", "valid.npy"]
