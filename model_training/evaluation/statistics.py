"""Tables 1 and 2 of the paper, with intervals; pure functions of measured rows.

Table 1: mean expressiveness of input (e), output (g) and truth (n), over all cases and over the
25 % and 10 % most expressive inputs; removed = (e - g) / (e - n) of these means.
Table 2: recogniser distances e-n (positive), e-g (neutralized), e-m (negative); threshold =
midpoint of the means of positive and negative; verified = share of e-g under it; 1:2 = share of
e-g < e-m.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from model_training.evaluation.rows import TEETH_SEEN, Row

Vector = NDArray[np.float64]
GROUPS = {"all": 1.0, "top 25 %": 0.25, "top 10 %": 0.10}
RESAMPLES = 1000
SEED = 20240229
Entry = dict[str, float | None]
"""`value`, `low` and `high` (95 % interval) of one number."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows of one system as float64 [N] columns; NaN where a number does not exist."""

    e: Vector
    n: Vector
    g: Vector
    positive: Vector
    neutralized: Vector
    negative: Vector
    truth: Vector
    blendshape_error: Vector
    lip_gap: Vector
    lip_gap_truth: Vector
    eye_opening: Vector
    eye_opening_truth: Vector
    sharpness: Vector
    sharpness_lower: Vector
    seam: Vector
    likeness: Vector
    outside: Vector
    teeth: Vector
    teeth_truth: Vector
    corners_off: Vector
    width_off: Vector
    lips: Vector
    redness: Vector
    redness_truth: Vector
    moved_outside: Vector
    moved_ears: Vector
    changed_outside: Vector

    @classmethod
    def of(cls, rows: Sequence[Row], recogniser: str) -> Columns:
        """Columns in the order of the rows, with the distances of one recogniser."""
        nan = float("nan")

        def column(get: Callable[[Row], float | int | None]) -> Vector:
            values = [get(row) for row in rows]
            return np.array([nan if v is None else float(v) for v in values])

        def error(row: Row) -> float:
            values = list(row.blendshape_error.values())
            return sum(values) / len(values) if values else nan

        def off(length: str) -> Vector:
            own = column(lambda r: getattr(r.mouth, length, None))
            return own - column(lambda r: getattr(r.mouth, f"{length}_truth", None))

        return cls(
            e=column(lambda r: r.expressive.score),
            n=column(lambda r: r.neutral.score if r.neutral else None),
            g=column(lambda r: r.generated.score if r.generated else None),
            positive=column(lambda r: r.distances[recogniser].positive),
            # Without a face in the output there is no person to verify.
            neutralized=column(
                lambda r: r.distances[recogniser].neutralized if r.generated else None
            ),
            negative=column(lambda r: r.distances[recogniser].negative),
            truth=column(lambda r: r.distances[recogniser].truth if r.generated else None),
            blendshape_error=column(error),
            lip_gap=column(lambda r: r.generated.lip_gap if r.generated else None),
            lip_gap_truth=column(lambda r: r.neutral.lip_gap if r.neutral else None),
            eye_opening=column(lambda r: r.generated.eye_opening if r.generated else None),
            eye_opening_truth=column(lambda r: r.neutral.eye_opening if r.neutral else None),
            sharpness=column(lambda r: r.picture.sharpness),
            sharpness_lower=column(lambda r: r.picture.sharpness_lower),
            seam=column(lambda r: r.picture.seam),
            likeness=column(lambda r: r.picture.likeness),
            outside=column(lambda r: r.picture.outside_max),
            teeth=column(lambda r: r.mouth.teeth if r.mouth else None),
            teeth_truth=column(lambda r: r.mouth.teeth_truth if r.mouth else None),
            corners_off=off("corners"),
            width_off=off("width"),
            lips=column(lambda r: r.mouth.lips if r.mouth else None),
            redness=column(lambda r: r.mouth.redness if r.mouth else None),
            redness_truth=column(lambda r: r.mouth.redness_truth if r.mouth else None),
            moved_outside=column(lambda r: r.wobble.outside if r.wobble else None),
            moved_ears=column(lambda r: r.wobble.ears if r.wobble else None),
            changed_outside=column(lambda r: r.wobble.changed if r.wobble else None),
        )

    def take(self, index: NDArray[np.int64]) -> Columns:
        """The rows at `index`, repeats allowed."""
        return Columns(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def top(self, share: float) -> Columns:
        """The `share` most expressive inputs, at least one; ties keep the order of the rows."""
        count = max(1, int(np.ceil(share * len(self.e) - 1e-9)))
        return self.take(np.argsort(-self.e, kind="stable")[:count])


def removed(columns: Columns) -> float:
    """(e - g) / (e - n) of the means over cases that have all three; NaN without any.

    Unreliable when the truth is hardly calmer than the input, which is why e and n are printed.
    """
    whole = np.isfinite(columns.e) & np.isfinite(columns.g) & np.isfinite(columns.n)
    if not whole.any():
        return float("nan")
    e, g, n = (float(v[whole].mean()) for v in (columns.e, columns.g, columns.n))
    return (e - g) / (e - n) if e != n else float("nan")


def threshold_of(positive: Vector, negative: Vector) -> float:
    """Midpoint of the two means; NaN when either has no number."""
    if not np.isfinite(positive).any() or not np.isfinite(negative).any():
        return float("nan")
    return float((np.nanmean(positive) + np.nanmean(negative)) / 2)


def summary(columns: Columns) -> dict[str, float]:
    """Every number of both tables for one system, flat; NaN where data are missing."""
    out: dict[str, float] = {}
    for group, share in GROUPS.items():
        part = columns.top(share)
        out |= {
            f"e {group}": _mean(part.e),
            f"g {group}": _mean(part.g),
            f"n {group}": _mean(part.n),
            f"removed {group}": removed(part),
        }
    threshold = threshold_of(columns.positive, columns.negative)
    both = np.isfinite(columns.negative)
    out |= {
        "positive": _mean(columns.positive),
        "neutralized": _mean(columns.neutralized),
        "negative": _mean(columns.negative),
        "to truth": _mean(columns.truth),
        "threshold": threshold,
        # A comparison with NaN is False: a lost face counts as a failure, as it should.
        "verified": float(np.mean(columns.neutralized < threshold))
        if np.isfinite(threshold)
        else float("nan"),
        "1:2": float(np.mean(columns.neutralized[both] < columns.negative[both]))
        if both.any()
        else float("nan"),
        "blendshape error": _mean(columns.blendshape_error),
        "lip gap": _mean(columns.lip_gap),
        "lip gap truth": _mean(columns.lip_gap_truth),
        "eye opening": _mean(columns.eye_opening),
        "eye opening truth": _mean(columns.eye_opening_truth),
        "sharpness": _median(columns.sharpness),
        "sharpness lower": _median(columns.sharpness_lower),
        "seam": _mean(columns.seam),
        "likeness": _mean(columns.likeness),
        "outside max": float(np.nanmax(columns.outside))
        if np.isfinite(columns.outside).any()
        else float("nan"),
        "lost faces": float(np.isnan(columns.g).sum()),
        "teeth": _mean(columns.teeth),
        "teeth truth": _mean(columns.teeth_truth),
        "teeth seen": _share_above(columns.teeth, TEETH_SEEN),
        "teeth seen truth": _share_above(columns.teeth_truth, TEETH_SEEN),
        "corners off": _mean(columns.corners_off),
        "corners apart": _mean(np.abs(columns.corners_off)),
        "width off": _mean(columns.width_off),
        "lips": _median(columns.lips),
        "redness": _mean(columns.redness),
        "redness truth": _mean(columns.redness_truth),
        "moved outside": _mean(columns.moved_outside),
        "moved ears": _mean(columns.moved_ears),
        "changed outside": _mean(columns.changed_outside),
    }
    return out


def intervals(
    columns: Columns, people: Sequence[str], resamples: int = RESAMPLES, seed: int = SEED
) -> dict[str, tuple[float, float]]:
    """Percentile bootstrap 95 % intervals of `summary`, drawing people with replacement.

    All pictures of a drawn person come along, because pictures of one person are not independent.
    """
    names = sorted(set(people))
    members = [np.flatnonzero(np.array(people) == name) for name in names]
    generator = np.random.default_rng(seed)
    draws: dict[str, list[float]] = {}
    for _ in range(resamples):
        drawn = generator.integers(0, len(names), len(names))
        index = np.concatenate([members[k] for k in drawn])
        for key, value in summary(columns.take(index)).items():
            draws.setdefault(key, []).append(value)
    found = {}
    for key, values in draws.items():
        finite = np.array(values)[np.isfinite(values)]
        if finite.size:
            low, high = np.percentile(finite, [2.5, 97.5])
            found[key] = (float(low), float(high))
    return found


def action_unit_summary(rows: Sequence[Row], people: Sequence[str]) -> dict[str, Entry]:
    """Table 1 by OpenFace's action-unit sums; empty unless every row has them."""
    if not rows or not all(row.action_units for row in rows):
        return {}
    nan = np.full(len(rows), np.nan)
    values = {f.name: nan for f in fields(Columns)}
    for letter, key in (("e", "expressive"), ("n", "neutral"), ("g", "generated")):
        values[letter] = np.array([row.action_units[key] for row in rows])
    columns = Columns(**values)
    limits = intervals(columns, people)
    names = [f"{letter} {g}" for g in GROUPS for letter in ("e", "g", "n", "removed")]
    return entries({k: v for k, v in summary(columns).items() if k in names}, limits)


def entries(values: dict[str, float], limits: dict[str, tuple[float, float]]) -> dict[str, Entry]:
    """Values with their intervals, as they are written to JSON."""
    return {
        key: {"value": value, "low": limits.get(key, (None, None))[0],
              "high": limits.get(key, (None, None))[1]}
        for key, value in values.items()
    }  # fmt: skip


def per_blendshape(rows: Sequence[Row]) -> dict[str, float]:
    """Mean |g - n| of each expression blendshape, largest first."""
    sums: dict[str, list[float]] = {}
    for row in rows:
        for name, value in row.blendshape_error.items():
            sums.setdefault(name, []).append(value)
    means = {name: sum(values) / len(values) for name, values in sums.items()}
    return dict(sorted(means.items(), key=lambda item: (-item[1], item[0])))


def _mean(values: Vector) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")


def _share_above(values: Vector, limit: float) -> float:
    finite = values[np.isfinite(values)]
    return float((finite > limit).mean()) if finite.size else float("nan")


def _median(values: Vector) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else float("nan")
