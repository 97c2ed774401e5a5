"""Which pairs the third stage fits, and how often."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model_training.classic.latents import encode_pairs, repeated
from model_training.classic.networks import ClassicConfig, ClassicNet
from model_training.classic.pair_sets import PairSet

CPU = torch.device("cpu")


def pair_set(people: str, held_out: str, seed: int) -> PairSet:
    count = len(people)
    images = np.random.default_rng(seed).integers(0, 256, (2 * count, 32, 32, 3), dtype=np.uint8)
    rows = np.arange(count)
    out = np.array([p in held_out for p in people])
    return PairSet(images, 2 * rows, 2 * rows + 1, tuple(people), out)


@pytest.fixture
def net() -> ClassicNet:
    torch.manual_seed(0)
    widths = {"encoder_widths": (4, 4, 4, 4), "decoder_widths": (4, 4, 4, 4)}
    return ClassicNet(ClassicConfig(image_size=32, latent=3, **widths))


def test_small_sets_are_repeated_up_to_their_share() -> None:
    held_out = np.zeros(12, bool)
    held_out[10] = True  # of the second set's two pairs, one is fitted
    rows = repeated([10, 2], held_out, 0.25)
    assert rows.tolist() == [*range(10), 10, 11, 11, 11]
    assert repeated([10, 2], held_out, 0.0).tolist() == list(range(12))
    assert repeated([2, 1], np.array([False, False, True]), 1.0).tolist() == [0, 1, 2]


def test_people_are_held_out_of_all_sets_unless_they_may_be_shared(net: ClassicNet) -> None:
    sets = [pair_set("aabb", "", 1), pair_set("bc", "b", 2)]
    apart = encode_pairs(net, sets, CPU)
    assert apart.people == tuple("aabbbc")
    assert apart.held_out.tolist() == [False, False, True, True, True, False]
    shared = encode_pairs(net, sets, CPU, share_people=True)
    assert shared.held_out.tolist() == [False, False, False, False, True, False]
    weighted = encode_pairs(net, sets, CPU, share=1.0)
    assert weighted.people == tuple("aabbbcc")
    assert np.array_equal(weighted.source[5], weighted.source[6])
    assert not np.array_equal(weighted.source[4], weighted.source[5])
