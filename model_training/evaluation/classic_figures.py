"""The paper's figures 2 and 3, repeated with a trained `classic`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model_training.classic.networks import ClassicNet
from model_training.classic.networks.pixels import to_network
from model_training.classic.pair_sets import resize
from model_training.classic.sheets import write_sheet
from model_training.evaluation.cases import Case

SIX = ("anger", "disgust", "fear", "happy", "sad", "surprise")
"""The six expressions of figure 3; the names of synthetic expressions begin with them."""
SEXES = ("female", "male")
_ENLARGED = 2


@torch.no_grad()
def figure_2(net: ClassicNet, cases: Sequence[Case], file: Path) -> None:
    """The stages, a column a case: input, decoded, neutralized, enhanced, sharpened, true neutral.

    Args:
        net: the networks, in evaluation mode on the CPU.
        cases: aligned crops, with a neutral picture.
        file: PNG to write.
    """
    source, target = _crops(net, cases)
    mu, _ = net.encoder(source)
    neutral = net.decoder(net.neutralizer(mu))
    enhanced = net.enhancer(neutral)
    rows = [source, net.decoder(mu), neutral, enhanced, net.sharpen(enhanced), target]
    write_sheet([_enlarge(row) for row in rows], file)


@torch.no_grad()
def figure_3(net: ClassicNet, cases: Sequence[Case], file: Path) -> list[str]:
    """Six expressions by both sexes, a column each: input, output, true neutral.

    Args:
        net: the networks, in evaluation mode on the CPU.
        cases: aligned crops, with a neutral picture and the labels `expression` and `sex`.
        file: PNG to write.

    Returns:
        The names of the cases, from left to right: for each sex, in the order of `SIX`.

    Raises:
        ValueError: an expression of one of the sexes is not among the cases.
    """
    chosen = [_first(cases, expression, sex) for sex in SEXES for expression in SIX]
    source, target = _crops(net, chosen)
    output = net.sharpen(net.enhancer(net.decoder(net.neutralizer(net.encoder(source)[0]))))
    half = len(SIX)
    rows = [part[k : k + half] for k in (0, half) for part in (source, output, target)]
    write_sheet([_enlarge(row) for row in rows], file)
    return [case.name for case in chosen]


def _first(cases: Sequence[Case], expression: str, sex: str) -> Case:
    for case in cases:
        if case.labels.get("sex") == sex and case.labels["expression"].startswith(expression):
            return case
    raise ValueError(f"no case shows {expression} by a {sex} face")


def _crops(net: ClassicNet, cases: Sequence[Case]) -> tuple[Tensor, Tensor]:
    size, channels = net.config.image_size, net.config.channels

    def stack(pictures: list[np.ndarray]) -> Tensor:
        crops = np.stack([resize(picture, size) for picture in pictures])
        return to_network(torch.from_numpy(crops), channels)

    neutral = [case.neutral.read() for case in cases if case.neutral is not None]
    return stack([case.expressive.read() for case in cases]), stack(neutral)


def _enlarge(images: Tensor) -> Tensor:
    """[N, C, S, S] twice as large, so that 112 px can be looked at; pixels are repeated."""
    return images.repeat_interleave(_ENLARGED, -1).repeat_interleave(_ENLARGED, -2)
