"""Tables 1 and 2 in the paper's layout, as plain text or Markdown, from the JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model_training.evaluation.rows import NO_OP, TO_PHOTOGRAPH
from model_training.evaluation.statistics import GROUPS

RECOGNISERS = {"sface": "SFace, held out: used in no loss"}
"""What reports call a recogniser beyond its key."""

PUBLISHED = "published (CK+, its own measures)"
"""The line of Carver & Nwogu's own numbers beside `classic`: OpenFace's action units, people shared
between training and test, another recogniser."""
_PUBLISHED_1 = (
    *("4.31", "2.10", "1.42", "76 %"),
    *("–", "–", "–", "93 %"),
    *("–", "–", "–", "94 %"),
)
_PUBLISHED_2 = ("–", "–", "–", "–", "–", "75.6 %", "94.4 %")

Table = tuple[Sequence[str], Sequence[Sequence[str]]]
"""(heading, lines)"""


def cell(entry: dict[str, float | None] | None, digits: int = 2, percent: bool = False) -> str:
    """A value without its interval; a dash where there is none."""
    if entry is None or entry["value"] is None:
        return "–"
    value = entry["value"]
    return f"{100 * value:.0f} %" if percent else f"{value:.{digits}f}"


def ranged(entry: dict[str, float | None] | None, digits: int = 2, percent: bool = False) -> str:
    """A value with its 95 % interval."""
    text = cell(entry, digits, percent)
    if text == "–" or entry is None or entry["low"] is None or entry["high"] is None:
        return text
    if percent:
        return f"{text} [{100 * entry['low']:.0f}, {100 * entry['high']:.0f}]"
    return f"{text} [{entry['low']:.{digits}f}, {entry['high']:.{digits}f}]"


def table_1(document: dict[str, Any], action_units: bool = False) -> Table:
    """Expressiveness: e, g, n and the share removed, over all and the most expressive inputs.

    Args:
        document: of an evaluation.
        action_units: by OpenFace's sums instead of MediaPipe's (no lines where there are none).
    """
    heading = ["system"]
    for group in GROUPS:
        heading += [f"e, {group}", "g", "n", "removed"]
    lines = []
    for name, system in document["systems"].items():
        numbers = next(iter(system["recognisers"].values()))
        if action_units:
            numbers = system.get("action units")
            if numbers is None:
                continue
        line = [name]
        for group in GROUPS:
            line += [cell(numbers[f"{letter} {group}"]) for letter in "egn"]
            line.append(ranged(numbers[f"removed {group}"], percent=True))
        lines.append(line)
    if _is_classic(document) and lines:
        lines.append([PUBLISHED, *_PUBLISHED_1])
    return heading, lines


def table_2(document: dict[str, Any], recogniser: str) -> Table:
    """Identity: distances of the input to truth, output and stranger; verified and 1:2."""
    heading = [
        "system", "e-n positive", "e-g neutralized", "e-m negative", "g-n", "threshold",
        "verified", "1:2",
    ]  # fmt: skip
    lines = []
    for name, system in document["systems"].items():
        numbers = system["recognisers"].get(recogniser)
        # Beside photographs the no-op's picture is classic's view, which has a line of its own.
        if numbers is None or (name == NO_OP and recogniser.endswith(TO_PHOTOGRAPH)):
            continue
        lines.append(
            [
                name,
                ranged(numbers["positive"], 3),
                ranged(numbers["neutralized"], 3),
                ranged(numbers["negative"], 3),
                cell(numbers["to truth"], 3),
                cell(numbers["threshold"], 3),
                ranged(numbers["verified"], percent=True),
                ranged(numbers["1:2"], percent=True),
            ]
        )
    # The paper compares pictures of one kind.
    if _is_classic(document) and lines and not recogniser.endswith(TO_PHOTOGRAPH):
        lines.append([PUBLISHED, *_PUBLISHED_2])
    return heading, lines


def _is_classic(document: dict[str, Any]) -> bool:
    return str(document["model"]).startswith("classic")


def picture_table(document: dict[str, Any]) -> Table:
    """What the paper's tables do not see: blur, the mouth, the eyes, the seam, lost faces."""
    heading = [
        "system", "sharpness", "below the nose", "likeness", "blendshape error", "lip gap (truth)",
        "eye opening (truth)", "seam", "changed outside", "lost faces",
    ]  # fmt: skip
    lines = []
    for name, system in document["systems"].items():
        numbers = next(iter(system["recognisers"].values()))
        lines.append(
            [
                name,
                ranged(numbers["sharpness"]),
                ranged(numbers["sharpness lower"]),
                cell(numbers["likeness"], 3),
                ranged(numbers["blendshape error"], 4),
                f"{cell(numbers['lip gap'], 3)} ({cell(numbers['lip gap truth'], 3)})",
                f"{cell(numbers['eye opening'], 3)} ({cell(numbers['eye opening truth'], 3)})",
                cell(numbers["seam"], 3),
                cell(numbers["outside max"], 0),
                cell(numbers["lost faces"], 0),
            ]
        )
    return heading, lines


def mouth_table(document: dict[str, Any]) -> Table:
    """Teeth, corners and lips beside the truth's, and what moved outside the face's outline."""
    heading = [
        "system", "teeth (truth)", "teeth seen (truth)", "corners, g - n", "|g - n|",
        "width, g - n", "lips' detail", "lips' red (truth)", "moved outside",
        "ears moved", "changed outside",
    ]  # fmt: skip
    lines = []
    for name, system in document["systems"].items():
        # Results that were measured before these numbers existed lack them.
        found = next(iter(system["recognisers"].values())).get
        seen, truth = cell(found("teeth seen"), percent=True), found("teeth seen truth")
        if found("teeth") is None:
            continue
        lines.append(
            [
                name,
                f"{ranged(found('teeth'), 3)} ({cell(found('teeth truth'), 3)})",
                f"{seen} ({cell(truth, percent=True)})",
                ranged(found("corners off"), 3),
                cell(found("corners apart"), 3),
                ranged(found("width off"), 3),
                ranged(found("lips")),
                f"{ranged(found('redness'), 1)} ({cell(found('redness truth'), 1)})",
                cell(found("moved outside"), 4),
                cell(found("moved ears"), 4),
                cell(found("changed outside"), percent=True),
            ]
        )
    return heading, lines


def slice_table(document: dict[str, Any]) -> Table:
    """The evaluated system over parts of the people."""
    lines = [
        [
            f"{s['label']}: {s['value']}",
            str(s["cases"]),
            "–" if s["removed"] is None else f"{100 * s['removed']:.0f} %",
            "–" if s["neutralized"] is None else f"{s['neutralized']:.3f}",
            "–" if s["verified"] is None else f"{100 * s['verified']:.0f} %",
            "–" if s["sharpness"] is None else f"{s['sharpness']:.2f}",
        ]
        for s in document["systems"][document["model"]].get("slices", [])
    ]
    return ["slice", "cases", "removed", "e-g", "verified", "sharpness"], lines


def blendshape_table(document: dict[str, Any], most: int = 12) -> Table:
    """The blendshapes in which the evaluated system's outputs differ most from the truth."""
    errors = document["systems"][document["model"]].get("blendshape errors", {})
    lines = [[name, f"{value:.3f}"] for name, value in list(errors.items())[:most]]
    return ["blendshape", "mean |g - n|"], lines


def titled(document: dict[str, Any]) -> list[tuple[str, Table]]:
    """Every table of an evaluation that has lines, under its title."""
    found = [
        ("Table 1: expressiveness", table_1(document)),
        ("Table 1 by OpenFace's action units", table_1(document, action_units=True)),
    ]
    found += [
        (_identity_title(name), table_2(document, name))
        for name in document["systems"][document["model"]]["recognisers"]
    ]
    found += [
        ("Picture", picture_table(document)),
        ("Mouth and outline", mouth_table(document)),
        ("Slices", slice_table(document)),
    ]
    return [(title, table) for title, table in found if table[1]]


def _identity_title(key: str) -> str:
    name = key.removesuffix(TO_PHOTOGRAPH)
    to = " against the photographs" if name != key else ""
    return f"Table 2: identity{to} ({RECOGNISERS.get(name, name)})"


def plain(table: Table) -> str:
    """Aligned columns for a terminal."""
    heading, lines = table
    widths = [max(len(row[k]) for row in [heading, *lines]) for k in range(len(heading))]

    def aligned(row: Sequence[str]) -> str:
        cells = [row[0].ljust(widths[0])]
        cells += [value.rjust(width) for value, width in zip(row[1:], widths[1:], strict=True)]
        return "  ".join(cells).rstrip()

    return "\n".join([aligned(heading), "-" * len(aligned(heading)), *map(aligned, lines)])


def text(document: dict[str, Any]) -> str:
    """A whole evaluation for a terminal."""
    own = document["systems"][document["model"]]
    parts = [
        f"{document['model']} on {document['data']}: {own['cases']} cases, {own['people']} people",
        *(f"{title}\n{plain(table)}" for title, table in titled(document)),
        worst_sentence(document),
        *(f"left out: {case}: {why}" for case, why in document["facts"]["skipped"].items()),
    ]
    return "\n\n".join(part for part in parts if part)


def markdown(table: Table) -> str:
    """A Markdown table."""
    heading, lines = table
    rule = ["---"] + ["---:"] * (len(heading) - 1)
    cells = ([cell.replace("|", r"\|") for cell in row] for row in [heading, rule, *lines])
    return "\n".join("| " + " | ".join(row) + " |" for row in cells)


def worst_sentence(document: dict[str, Any]) -> str:
    """Names the slices where the evaluated system is worst; empty without slices."""
    found = document["systems"][document["model"]].get("worst slices", {})
    if not found:
        return ""
    least, far = found["removed"], found["identity"]
    return (
        f"Worst slices: least expression removed for {least['label']} {least['value']} "
        f"({100 * least['removed']:.0f} %, {least['cases']} cases); farthest from the person for "
        f"{far['label']} {far['value']} (distance {far['neutralized']:.3f}, {far['cases']} cases)."
    )
