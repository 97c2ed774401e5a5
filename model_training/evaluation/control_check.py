"""Whether the controls come out as they must: a broken measure is found before it is believed."""

from __future__ import annotations

from typing import Any

from model_training.evaluation.rows import (
    CLASSIC_VIEW,
    MEAN_FACE,
    NO_OP,
    TO_PHOTOGRAPH,
    TRUE_NEUTRAL,
)

MEAN_REMOVES, MEAN_VERIFIED, MEAN_SHARPNESS = 0.9, 0.2, 0.5
"""A mean face removes at least, is verified at most, and is at most as sharp as this."""
VIEW_REMOVES = 0.03
"""Classic's view differs from the input in the same view by rounding alone: it removes at most."""

_MOUTH_OF = {
    NO_OP: {"moved outside": 0, "moved ears": 0, "changed outside": 0},
    TRUE_NEUTRAL: {"corners off": 0, "corners apart": 0, "width off": 0, "lips": 1},
}
"""What the mouth and outline of a control must be, exactly."""


def broken_controls(document: dict[str, Any]) -> list[str]:
    """What is wrong with the controls of an evaluation on pairs; empty when nothing is.

    Args:
        document: of `results.evaluate_rows`; values are compared as they are printed.
    """
    wrong: list[str] = []

    def expect(system: str, metric: str, holds: bool, found: Any, wanted: str) -> None:
        if not holds:
            wrong.append(f"{system}: {metric} is {found}, expected {wanted}")

    wanted_ones = [NO_OP, MEAN_FACE, TRUE_NEUTRAL]
    if str(document["facts"].get("view", "")).startswith("crop"):
        wanted_ones.append(CLASSIC_VIEW)
    for name in wanted_ones:
        if name not in document["systems"]:
            wrong.append(f"{name} is missing")
            continue
        for recogniser, numbers in document["systems"][name]["recognisers"].items():
            if recogniser.endswith(TO_PHOTOGRAPH):
                # A crop beside a photograph: no control is nothing there.
                continue
            value = {key: entry["value"] for key, entry in numbers.items()}
            removed, away = value["removed all"], value["neutralized"]
            who = f"{name} ({recogniser})"
            if name == NO_OP:
                expect(who, "removed", removed == 0, removed, "0")
                expect(who, "distance to the input", away == 0, away, "0")
                expect(who, "sharpness", value["sharpness"] == 1, value["sharpness"], "1")
            elif name == TRUE_NEUTRAL:
                expect(who, "removed", removed == 1, removed, "1")
                expect(who, "distance to the truth", value["to truth"] == 0, value["to truth"], "0")
                expect(who, "likeness", value["likeness"] == 1, value["likeness"], "1")
            elif name == CLASSIC_VIEW:
                still = removed is not None and abs(removed) <= VIEW_REMOVES
                expect(who, "removed", still, removed, f"at most {VIEW_REMOVES}")
                all_known = value["verified"] in (None, 1)
                expect(who, "verified", all_known, value["verified"], "1")
            else:
                low = removed is not None and removed >= MEAN_REMOVES
                expect(who, "removed", low, removed, f"at least {MEAN_REMOVES}")
                few = value["verified"] is not None and value["verified"] <= MEAN_VERIFIED
                expect(who, "verified", few, value["verified"], f"at most {MEAN_VERIFIED}")
                soft = value["sharpness"] <= MEAN_SHARPNESS
                expect(who, "sharpness", soft, value["sharpness"], f"at most {MEAN_SHARPNESS}")
            for metric, wanted in _MOUTH_OF.get(name, {}).items():
                # No number at all: not measured, as for rows without a truth.
                expect(who, metric, value[metric] in (None, wanted), value[metric], str(wanted))
            untouched = value["outside max"] in (None, 0)
            expect(who, "change outside the mask", untouched, value["outside max"], "0")
    return wrong
