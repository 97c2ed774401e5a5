"""Pairs that are learnt less easily are drawn more often."""

from pathlib import Path

import numpy as np

from model_training.photo.emphasis import EMPHASIS, read_emphasis

LABELS = """index,source,person,expression,AU4,AU12
0,a.jpg,a,laugh,0.0,1.0
1,a.jpg,a,sad,1.0,0.0
3,b.jpg,b,eyes_closing,0.0,0.0
2,b.jpg,b,laugh,0.0,0.5
"""


def test_weights_follow_expression_and_strength(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(LABELS)
    weights = read_emphasis(tmp_path, 4)
    assert weights[0] == 1
    assert weights[1] == EMPHASIS["sad"]
    assert 0.5 < weights[2] < 1, "a faint laugh counts less than a full one, by its own row"
    assert weights[3] == EMPHASIS["eyes_closing"], "no action units: the amount is real"


def test_a_set_without_labels_is_drawn_evenly(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_emphasis(tmp_path, 3), 1)
