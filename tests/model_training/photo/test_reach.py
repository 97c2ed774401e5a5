"""The motion's calibration: where it lengthens, and where it must not."""

import pytest
import torch

from model_training.photo.config import PhotoConfig
from model_training.photo.network import MAP_SIZE, MAP_STEP, WINDOW_LEFT, WINDOW_TOP, PhotoNet
from model_training.photo.reach import BROWS, CORNERS_ACROSS, CORNERS_DOWN, EYES, reach

MAP = reach(MAP_SIZE, MAP_STEP, WINDOW_TOP)


def at(x: float, y: float) -> list[float]:
    """Across and down at a place of the 256 px crop."""
    column, row = ((v - edge) // MAP_STEP for v, edge in ((x, WINDOW_LEFT), (y, WINDOW_TOP)))
    across, down, *lower = MAP[0, :, int(row), int(column)].tolist()
    assert [across, down] == lower, "both layers alike: beyond the corners they must agree"
    return [across, down]


def test_each_part_of_the_face_has_its_own_reach() -> None:
    assert at(96, 80) == pytest.approx([BROWS, BROWS], abs=0.01)
    assert at(93, 118) == pytest.approx([EYES, EYES], abs=0.01)
    assert at(92, 190) == pytest.approx([CORNERS_ACROSS, CORNERS_DOWN], abs=0.01)


def test_lips_that_meet_are_not_moved_past_each_other() -> None:
    assert at(127, 190) == pytest.approx([1, 1], abs=0.01)


def test_the_face_stays_symmetric_and_is_not_torn() -> None:
    torch.testing.assert_close(MAP, MAP.flip(3))
    for axis in (2, 3):
        assert MAP.diff(dim=axis).abs().max() < 0.05


def test_training_sees_true_lengths() -> None:
    torch.manual_seed(0)
    network = PhotoNet(PhotoConfig(widths=(4, 8, 8, 8), middle_blocks=1, fine=8)).eval()
    torch.nn.init.normal_(network.coarse_motion.weight, std=0.1)
    window = torch.rand(1, 3, 192, 192) * 2 - 1
    with torch.no_grad():
        used = network(window)
        network.training = True  # itself alone: its norms stay as they are
        taught = network(window)
    assert used.upper.abs().max() > 0
    torch.testing.assert_close(used.upper, taught.upper * MAP[:, :2])
    torch.testing.assert_close(used.lower, taught.lower * MAP[:, 2:])
