"""Stage 3: which pairs are fitted, and the closed form (linear maps, shrinkage, groups)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model_training.classic.latents import encode_pairs, repeated
from model_training.classic.networks import ClassicConfig, ClassicNet
from model_training.classic.pair_sets import PairSet
from model_training.classic.ridge import fit_ridge, neutralizer_error, person_folds


def make_pairs(
    people: int, each: int, size: int, noise: float, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Expression is one direction of the latent space, and neutral faces have none of it."""
    rng = np.random.default_rng(seed)
    direction = np.eye(size)[0]
    neutral = rng.normal(size=(people, size)) * (1 - direction)
    names = [f"p{i}" for i in range(people) for _ in range(each)]
    target = neutral.repeat(each, 0)
    amount = rng.uniform(1, 3, (len(target), 1))
    source = target + amount * direction + noise * rng.normal(size=target.shape)
    return source, target, names


def test_a_projection_is_recovered_from_clean_pairs() -> None:
    source, target, names = make_pairs(people=60, each=4, size=8, noise=0.0)
    solution = fit_ridge(source, target, names)
    assert neutralizer_error(solution.weight, solution.bias, source, target) < 1e-6
    projection = np.eye(8)
    projection[0, 0] = 0
    assert np.allclose(solution.weight[:, 1:], projection[:, 1:], atol=1e-2)


def test_few_noisy_people_are_better_served_by_shrinking_to_the_identity() -> None:
    source, target, names = make_pairs(people=12, each=3, size=32, noise=0.3)
    new_source, new_target, _ = make_pairs(people=50, each=2, size=32, noise=0.3, seed=1)
    chosen = fit_ridge(source, target, names)
    unshrunk = fit_ridge(source, target, names, lambdas=[1e-8])
    error = neutralizer_error(chosen.weight, chosen.bias, new_source, new_target)
    unchanged = neutralizer_error(np.eye(32), np.zeros(32), new_source, new_target)
    assert error < neutralizer_error(unshrunk.weight, unshrunk.bias, new_source, new_target)
    assert error < unchanged
    assert chosen.errors[chosen.chosen] == min(chosen.errors.values())


def test_a_stretched_step_is_as_long_as_people_left_out_need() -> None:
    source, target, names = make_pairs(people=60, each=4, size=8, noise=0.3)
    new_source, new_target, _ = make_pairs(people=200, each=2, size=8, noise=0.3, seed=1)
    short, long = (
        fit_ridge(source, target, names, lambdas=[3.0], stretched=s) for s in (False, True)
    )
    assert short.stretch == 1.0
    assert long.stretch > 1.2
    truth = new_target - new_source
    needed = []
    for solution in (short, long):
        step = new_source @ solution.weight.T + solution.bias - new_source
        needed.append((step * truth).sum() / (step**2).sum())
    assert needed[0] == pytest.approx(long.stretch, rel=0.1)
    assert needed[1] == pytest.approx(1.0, rel=0.1)


def test_infinite_lambda_leaves_the_weights_at_the_identity() -> None:
    source, target, names = make_pairs(people=5, each=2, size=4, noise=0.1)
    solution = fit_ridge(source, target, names, lambdas=[1e12])
    assert np.allclose(solution.weight, np.eye(4), atol=1e-6)


def test_the_result_does_not_depend_on_the_latents_unit() -> None:
    source, target, names = make_pairs(people=20, each=3, size=6, noise=0.2)
    small = fit_ridge(source * 1e-3, target * 1e-3, names)
    large = fit_ridge(source, target, names)
    assert small.chosen == large.chosen
    assert np.allclose(small.weight, large.weight, atol=1e-6)


def test_folds_keep_people_together() -> None:
    names = [f"p{i % 7}" for i in range(70)]
    folds = person_folds(names, 5)
    assert set(folds) == set(range(5))
    for person in set(names):
        assert len({int(f) for f, n in zip(folds, names, strict=True) if n == person}) == 1
    assert set(person_folds(["a", "b"], 5)) == {0, 1}
    with pytest.raises(ValueError, match="two people"):
        person_folds(["a", "a"], 5)


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
