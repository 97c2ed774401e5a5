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
    pairs: int

    @classmethod
    def of(cls, source: Array, target: Array) -> _Moments:
        ones = np.ones((len(source), 1))
        expressive, neutral = np.hstack([source, ones]), np.hstack([target, ones])
        # T(mu_n) should be mu_n, so neutral rows have residual 0 and enter the Gram matrix alone.
        gram = expressive.T @ expressive + neutral.T @ neutral
        return cls(gram, expressive.T @ (target - source), len(source))

    def minus(self, other: _Moments) -> _Moments:
        return _Moments(self.gram - other.gram, self.cross - other.cross, self.pairs - other.pairs)

    def solve(self, ridge: float) -> tuple[Array, Array]:
        size = len(self.gram) - 1
        means = self.gram[:size, size] / self.gram[size, size]
        variance = float((np.diag(self.gram)[:size] / self.gram[size, size] - means**2).mean())
        # The bias is free. The tiny addition keeps the system regular when lambda is next to 0,
        # pairs are few, or a dimension of the latent is unused.
        strength = (ridge + 1e-9) * max(variance, 1e-30) * self.pairs
        system = self.gram + np.diag([*np.ones(size), 0.0]) * strength
        try:
            change = np.linalg.solve(system, self.cross)
        except np.linalg.LinAlgError:  # so few pairs that the addition is lost in rounding
            change = np.linalg.lstsq(system, self.cross)[0]
        return np.eye(size) + change[:size].T, change[size]


def neutralizer_error(weight: Array, bias: Array, source: Array, target: Array) -> float:
    """L_Ntr (11) of T(mu) = W mu + b over pairs [N, Z]."""
    moved_source, moved_target = source @ weight.T + bias, target @ weight.T + bias
    return float(((moved_source - target) ** 2).mean() + ((moved_target - target) ** 2).mean())


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
) -> RidgeSolution:
    """W = I + D and b that minimise L_Ntr (11) + lambda |D|^2; lambda by cross-validation.

    L_Ntr asks T to leave neutral latents where they are, and lambda to leave all of them there, so
    that the step T(mu) - mu is too short for expressive faces: part of the expression stays. With
    `stretched` the step is multiplied by the factor that fits best, in the least squares sense, the
    true steps of people that a fold left out. Not in the paper.

    Args:
        source: mu_e, [N, Z].
        target: mu_n, [N, Z].
        people: N names; a person's pairs are never in both halves of a fold.
        folds: number of folds; fewer if there are fewer people.
        lambdas: candidates.
        stretched: lengthen the step as described.

    Raises:
        ValueError: fewer than two people.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    fold = person_folds(people, folds)
    members = [np.flatnonzero(fold == k) for k in range(int(fold.max()) + 1)]
    parts = [_Moments.of(source[rows], target[rows]) for rows in members]
    whole = _Moments.of(source, target)
    errors = {}
    for ridge in lambdas:
        total = 0.0
        for rows, part in zip(members, parts, strict=True):
            weight, bias = whole.minus(part).solve(ridge)
            total += neutralizer_error(weight, bias, source[rows], target[rows]) * len(rows)
        errors[float(ridge)] = total / len(source)
    chosen = min(errors, key=lambda ridge: errors[ridge])
    weight, bias = whole.solve(chosen)
    if not stretched:
        return RidgeSolution(weight, bias, chosen, errors)
    along = length = 0.0
    for rows, part in zip(members, parts, strict=True):
        fold_weight, fold_bias = whole.minus(part).solve(chosen)
        step = source[rows] @ fold_weight.T + fold_bias - source[rows]
        along += float((step * (target[rows] - source[rows])).sum())
        length += float((step**2).sum())
    stretch = along / length if length else 1.0
    one = np.eye(len(bias))
    return RidgeSolution(one + stretch * (weight - one), stretch * bias, chosen, errors, stretch)
