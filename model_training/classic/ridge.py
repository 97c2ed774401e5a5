"""The neutralizer in closed form: ridge regression towards the identity.

Stage 3 is linear regression. With few people, shrinking the weights towards 0 (as weight decay
does) shrinks every face towards the mean; shrinking W - I towards 0 leaves a face as it is where
the pairs do not say otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LAMBDAS = tuple(float(x) for x in np.logspace(-4, 2, 13))
"""Candidates, in units of the latents' mean variance, for each pair."""


@dataclass(frozen=True)
class RidgeSolution:
    """T(mu) = W mu + b.

    Attributes:
        weight: float64 [Z, Z].
        bias: float64 [Z].
        chosen: the lambda it was fitted with.
        errors: cross-validated L_Ntr of every candidate lambda.
        stretch: what the step was multiplied by; 1 leaves the regression's own.
    """

    weight: Array
    bias: Array
    chosen: float
    errors: dict[float, float]
    stretch: float = 1.0


@dataclass
class _Moments:
    """Sums over pairs that the normal equations need; those of disjoint people add up."""

    gram: Array
    cross: Array
    pairs: float

    @classmethod
    def of(cls, source: Array, target: Array, weights: Array) -> _Moments:
        ones = np.ones((len(source), 1))
        expressive, neutral = np.hstack([source, ones]), np.hstack([target, ones])
        # T(mu_n) should be mu_n, so neutral rows have residual 0 and enter the Gram matrix alone.
        heavy = weights[:, None] * expressive
        gram = heavy.T @ expressive + (weights[:, None] * neutral).T @ neutral
        return cls(gram, heavy.T @ (target - source), float(weights.sum()))

    def minus(self, other: _Moments) -> _Moments:
        return _Moments(self.gram - other.gram, self.cross - other.cross, self.pairs - other.pairs)

    def solve(self, ridge: float) -> tuple[Array, Array]:
        size = len(self.gram) - 1
        means = self.gram[:size, size] / self.gram[size, size]
        variance = float((np.diag(self.gram)[:size] / self.gram[size, size] - means**2).mean())
        # The bias is free. The tiny addition keeps the system regular when lambda is next to 0,
        # pairs are few, or a dimension of the latent is unused.
        strength = (ridge + 1e-9) * max(variance, 1e-30) * self.pairs
        change = np.linalg.solve(self.gram + np.diag([*np.ones(size), 0.0]) * strength, self.cross)
        return np.eye(size) + change[:size].T, change[size]


def neutralizer_error(weight: Array, bias: Array, source: Array, target: Array) -> float:
    """L_Ntr (11) of T(mu) = W mu + b over pairs [N, Z]."""
    return float(_pair_errors(weight, bias, source, target).mean())


def _pair_errors(weight: Array, bias: Array, source: Array, target: Array) -> Array:
    moved_source, moved_target = source @ weight.T + bias, target @ weight.T + bias
    return np.asarray(((moved_source - target) ** 2 + (moved_target - target) ** 2).mean(1))


def pair_weights(source: Array, target: Array, strong: float) -> Array:
    """How much each pair counts: its squared step |mu_n - mu_e|^2 to the power `strong`, mean 1.

    Args:
        source: [N, Z].
        target: [N, Z].
        strong: 0 counts every pair alike; at 1 a pair with twice the step counts four times.

    Returns:
        float64 [N]; ones where no pair has a step.
    """
    steps = ((target - source) ** 2).mean(1) ** strong
    mean = steps.mean()
    return steps / mean if mean > 0 else np.ones(len(steps))


def person_folds(people: Sequence[str], folds: int) -> NDArray[np.int64]:
    """Fold number of every pair; all pairs of a person are in one fold.

    Raises:
        ValueError: the pairs show fewer than two people.
    """
    names = sorted(set(people))
    if len(names) < 2:
        raise ValueError("choosing lambda by cross-validation needs pairs of at least two people")
    order = np.random.default_rng(0).permutation(len(names))
    fold_of = {names[i]: place % min(folds, len(names)) for place, i in enumerate(order)}
    return np.array([fold_of[p] for p in people], np.int64)


def fit_ridge(
    source: Array,
    target: Array,
    people: Sequence[str],
    *,
    folds: int = 5,
    lambdas: Sequence[float] = LAMBDAS,
    stretched: bool = False,
    strong: float = 0.0,
) -> RidgeSolution:
    """W = I + D and b that minimise L_Ntr (11) + lambda |D|^2; lambda by cross-validation.

    L_Ntr asks T to leave neutral latents where they are, and lambda to leave all of them there, so
    that the step T(mu) - mu is too short for expressive faces: part of the expression stays. With
    `stretched` the step is multiplied by the factor that fits best, in the least squares sense, the
    true steps of people that a fold left out. `strong` lets pairs with a large step count for more
    (`pair_weights`) in the fit, in the choice of lambda and in the stretch: most pairs hardly move,
    and alone they decide what becomes of the few that do. Neither is in the paper.

    Args:
        source: mu_e, [N, Z].
        target: mu_n, [N, Z].
        people: N names; a person's pairs are never in both halves of a fold.
        folds: number of folds; fewer if there are fewer people.
        lambdas: candidates.
        stretched: lengthen the step as described.
        strong: power of the weights, from 0 on.

    Raises:
        ValueError: fewer than two people.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    weights = pair_weights(source, target, strong)
    fold = person_folds(people, folds)
    members = [np.flatnonzero(fold == k) for k in range(int(fold.max()) + 1)]
    parts = [_Moments.of(source[rows], target[rows], weights[rows]) for rows in members]
    whole = _Moments.of(source, target, weights)
    errors = {}
    for ridge in lambdas:
        total = 0.0
        for rows, part in zip(members, parts, strict=True):
            weight, bias = whole.minus(part).solve(ridge)
            total += float(weights[rows] @ _pair_errors(weight, bias, source[rows], target[rows]))
        errors[float(ridge)] = total / len(source)
    chosen = min(errors, key=lambda ridge: errors[ridge])
    weight, bias = whole.solve(chosen)
    if not stretched:
        return RidgeSolution(weight, bias, chosen, errors)
    along = length = 0.0
    for rows, part in zip(members, parts, strict=True):
        fold_weight, fold_bias = whole.minus(part).solve(chosen)
        step = source[rows] @ fold_weight.T + fold_bias - source[rows]
        heavy = weights[rows, None] * step
        along += float((heavy * (target[rows] - source[rows])).sum())
        length += float((heavy * step).sum())
    stretch = along / length if length else 1.0
    one = np.eye(len(bias))
    return RidgeSolution(one + stretch * (weight - one), stretch * bias, chosen, errors, stretch)
