"""The figures show what they say, or say what is missing."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from model_training.classic.networks import ClassicConfig, ClassicNet
from model_training.evaluation.cases import ArrayPicture, Case
from model_training.evaluation.classic_figures import SEXES, SIX, figure_2, figure_3

SIDE = 32


def cases() -> list[Case]:
    """Every expression by both sexes, each of one grey level; the neutral ones are black."""
    found = []
    for index, (sex, expression) in enumerate((s, e) for e in SIX for s in SEXES):
        pair = np.zeros((2, SIDE, SIDE, 3), np.uint8)
        pair[1] = 20 * (index + 1)
        expressive, neutral = ArrayPicture(pair, (1,), "e"), ArrayPicture(pair, (0,), "n")
        labels = {"sex": sex, "expression": f"{expression}_open"}
        found.append(Case(f"{sex} {expression}", sex, expressive, neutral, None, labels))
    return found


@pytest.fixture
def net() -> ClassicNet:
    torch.manual_seed(0)
    widths = {"encoder_widths": (4, 4, 4, 4), "decoder_widths": (4, 4, 4, 4)}
    return ClassicNet(ClassicConfig(image_size=SIDE, latent=3, **widths)).eval()


def test_figure_3_has_every_expression_by_both_sexes(net: ClassicNet, tmp_path: Path) -> None:
    names = figure_3(net, cases(), tmp_path / "3.png")
    assert names == [f"{sex} {expression}" for sex in SEXES for expression in SIX]
    sheet = cv2.imread(str(tmp_path / "3.png"))
    assert sheet is not None
    assert sheet.shape == (6 * 2 * SIDE, 6 * 2 * SIDE, 3)
    inputs = sheet[:: 2 * SIDE, :: 2 * SIDE, 0]
    assert inputs[0].tolist() == [20, 60, 100, 140, 180, 220]
    assert inputs[3].tolist() == [40, 80, 120, 160, 200, 240]
    assert inputs[2].tolist() == inputs[5].tolist() == [0] * 6
    with pytest.raises(ValueError, match="surprise by a male face"):
        figure_3(net, cases()[:-1], tmp_path / "3.png")


def test_figure_2_goes_from_the_input_to_the_true_neutral(net: ClassicNet, tmp_path: Path) -> None:
    figure_2(net, cases()[:3], tmp_path / "2.png")
    sheet = cv2.imread(str(tmp_path / "2.png"))
    assert sheet is not None
    assert sheet.shape == (6 * 2 * SIDE, 3 * 2 * SIDE, 3)
    assert sheet[0, :: 2 * SIDE, 0].tolist() == [20, 40, 60]
    assert sheet[-1, :: 2 * SIDE, 0].tolist() == [0, 0, 0]
