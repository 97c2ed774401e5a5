"""Printed tables, Markdown, the page and the sheet, and the check of docs/results.md."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from model_training.evaluation import tables
from model_training.evaluation.cache import Cache
from model_training.evaluation.comparison import side_by_side
from model_training.evaluation.report.document import (
    ResultsError,
    differences,
    load_results,
    render,
)
from model_training.evaluation.report.page import page
from model_training.evaluation.report.ranking import ranked
from model_training.evaluation.report.sheets import caption, sheet
from model_training.evaluation.results import evaluate_rows
from model_training.evaluation.rows import MEAN_FACE, NO_OP, TO_PHOTOGRAPH, Row
from model_training.runs.atomic import write_json
from tests.model_training.command_line import invoke
from tests.model_training.evaluation.made_rows import made_row

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def document(london_rows: list[Row]) -> dict[str, Any]:
    return evaluate_rows(london_rows, MEAN_FACE, "london-validation", {"skipped": {}}, 50)


def test_table_1_has_the_paper_s_columns_for_every_system(document: dict[str, Any]) -> None:
    heading, lines = tables.table_1(document)
    assert heading == [
        "system", "e, all", "g", "n", "removed", "e, top 25 %", "g", "n", "removed",
        "e, top 10 %", "g", "n", "removed",
    ]  # fmt: skip
    by_system = {line[0]: line for line in lines}
    assert by_system["no-op"][4] == "0 % [0, 0]"
    assert by_system["true neutral"][4] == "100 % [100, 100]"
    assert by_system["no-op"][1] == by_system["no-op"][2]


def test_classic_stands_beside_what_was_published(document: dict[str, Any]) -> None:
    classic = {**document, "model": "classic"}
    for made in (lambda d: tables.table_1(d), lambda d: tables.table_2(d, "dlib")):
        heading, lines = made(classic)
        assert lines[-1][0].startswith("published")
        assert len(lines[-1]) == len(heading)
        assert lines[:-1] == made(document)[1]
    assert tables.table_1(classic)[1][-1][1:5] == ["4.31", "2.10", "1.42", "76 %"]
    assert tables.table_2(classic, "another")[1] == []


def test_table_2_prints_distances_threshold_and_shares(document: dict[str, Any]) -> None:
    heading, lines = tables.table_2(document, "dlib")
    by_system = {line[0]: dict(zip(heading, line, strict=True)) for line in lines}
    assert by_system["no-op"]["e-g neutralized"] == "0.000 [0.000, 0.000]"
    assert by_system["mean neutral face"]["verified"].startswith("0 %")
    assert by_system["true neutral"]["g-n"] == "0.000"
    assert tables.table_2(document, "another")[1] == []


def test_models_stand_side_by_side_and_the_second_recogniser_is_named_held_out(
    document: dict[str, Any], london_rows: list[Row]
) -> None:
    def with_sface(row: Row) -> Row:
        return replace(row, distances={**row.distances, "sface": row.distances["dlib"]})

    rows = [with_sface(row) for row in london_rows]
    other = evaluate_rows(rows, "no-op", "london-validation", {"view": "crop112grey"}, 10)
    heading, (first, second) = side_by_side([document, other])
    assert [first[0], second[:2]] == [MEAN_FACE, ["no-op", "crop112grey"]]
    mean, nothing = (dict(zip(heading, line, strict=True)) for line in (first, second))
    assert nothing["removed, all"] == "0 % [0, 0]"
    assert nothing["verified (sface)"] == nothing["verified (dlib)"] == "100 % [100, 100]"
    assert mean["verified (dlib)"].startswith("0 %")
    assert mean["verified (sface)"] == "–"
    assert "Table 2: identity (SFace, held out: used in no loss)" in render([other])


def test_distances_to_photographs_have_a_table_without_the_no_op(london_rows: list[Row]) -> None:
    def beside(row: Row) -> Row:
        d = row.distances["dlib"]
        return replace(row, distances={"dlib": d, f"dlib{TO_PHOTOGRAPH}": d})

    rows = [beside(row) for row in london_rows]
    rows += [replace(row, system="classic") for row in rows if row.system == NO_OP]
    found = evaluate_rows(rows, "classic", "london-validation", {"skipped": {}}, 10)
    titles = dict(tables.titled(found))
    in_crops = titles["Table 2: identity (dlib)"][1]
    beside_photographs = titles["Table 2: identity against the photographs (dlib)"][1]
    assert NO_OP in [line[0] for line in in_crops]
    assert NO_OP not in [line[0] for line in beside_photographs]
    assert in_crops[-1][0] == tables.PUBLISHED
    assert tables.PUBLISHED not in [line[0] for line in beside_photographs]


def test_numbers_that_do_not_exist_are_dashes() -> None:
    rows = [made_row("a", 4.0, 2.0, None, positive=None, negative=None)]
    found = evaluate_rows(rows, "made", "no truth", {"skipped": {}}, 5)
    _, (line,) = tables.table_1(found)
    assert line[3] == line[4] == "–"
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_plain_and_markdown_show_the_same_cells(document: dict[str, Any]) -> None:
    table = tables.table_1(document)
    plain, marked = tables.plain(table).splitlines(), tables.markdown(table).splitlines()
    assert len(plain) == len(marked) == 2 + len(table[1])
    for line, row in zip(marked[2:], table[1], strict=True):
        assert [cell.strip() for cell in line.strip("|").split("|")] == list(row)


def test_worst_slices_are_named(document: dict[str, Any]) -> None:
    assert re.search(r"least expression removed for \S", tables.worst_sentence(document))


def test_ranking_puts_lost_faces_then_bad_ones_first() -> None:
    rows = [
        made_row("good", 4.0, 1.0, 1.0, neutralized=0.1),
        made_row("left", 4.0, 4.0, 1.0, neutralized=0.1),
        made_row("lost", 4.0, None, 1.0, neutralized=0.1),
        made_row("blurred", 4.0, 1.0, 1.0, neutralized=0.1, sharpness=0.5),
        made_row("tiny", 1.2, 1.0, 1.0, neutralized=0.1),
    ]
    found = ranked(rows, "dlib", 0.5)
    assert [item.row.case for item in found] == ["lost", "left", "blurred", "good", "tiny"]
    assert found[1].badness == pytest.approx(1.0 + 0.2)
    assert found[2].badness == pytest.approx(0.2 + 0.5)
    assert "FACE LOST" in caption(found[0])
    assert "removed -" in caption(found[4])  # nothing to remove, so no share is printed


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Cache, list[Row]]:
    cache = Cache(tmp_path)
    rows = []
    for k in range(5):
        key = f"{k:064x}"
        strip = np.full((224, 672, 3), 40 * k + 20, np.uint8)
        cache.save_bytes("strips", key, ".jpg", cv2.imencode(".jpg", strip)[1].tobytes())
        rows.append(replace(made_row(f"<{k}>", 4.0, 1.0 + k, 1.0), key=key))
    return cache, rows


def test_sheet_is_a_grid_with_the_worst_first(stored: tuple[Cache, list[Row]]) -> None:
    cache, rows = stored
    items = ranked(rows, "dlib", 0.5)
    found = sheet(items, cache)
    assert found.shape == (2 * (224 + 22 + 8) + 8, 3 * (672 + 8) + 8, 3)
    assert abs(int(found[150, 300, 0]) - (40 * 4 + 20)) <= 2
    with pytest.raises(ValueError, match="at least one"):
        sheet([], cache)


def test_page_is_self_contained_and_escaped(stored: tuple[Cache, list[Row]]) -> None:
    cache, rows = stored
    own = evaluate_rows(rows, "made", "tmp", {"skipped": {"x": "no face found in x"}}, 5)
    text = page(own, ranked(rows, "dlib", 0.5), cache)
    assert text.count("data:image/jpeg;base64,") == 5
    assert not re.search(r"(src|href)=[\"']?(http|//|/)", text)
    assert "<b>&lt;4&gt;</b>" in text
    assert "<4>" not in text
    assert "no face found in x" in text


def test_results_document_is_made_and_checked(document: dict[str, Any], tmp_path: Path) -> None:
    results, out = tmp_path / "results", tmp_path / "results.md"
    results.mkdir()
    with pytest.raises(ResultsError, match="no results"):
        load_results(results)
    write_json(document, results / "mean-london.json")
    options = ["results-doc", "--results", str(results), "--document", str(out)]
    assert invoke([*options, "--check"]).exit_code == 1
    assert invoke(options).exit_code == 0
    assert invoke([*options, "--check"]).exit_code == 0
    assert out.read_text(encoding="utf-8") == render([document])
    # Either of the two edited alone is noticed.
    out.write_text(out.read_text(encoding="utf-8").replace("100 %", "99 %"), encoding="utf-8")
    assert invoke([*options, "--check"]).exit_code == 1
    assert invoke(options).exit_code == 0
    document = json.loads((results / "mean-london.json").read_text(encoding="utf-8"))
    document["systems"]["no-op"]["recognisers"]["dlib"]["verified"]["value"] = 0.5
    write_json(document, results / "mean-london.json")
    assert "does not agree" in differences(results, out)
    write_json({**document, "schema": 99}, results / "mean-london.json")
    with pytest.raises(ResultsError, match="schema 99"):
        load_results(results)


def test_the_page_opens_with_systems_by_sets_main_model_and_controls(
    document: dict[str, Any],
) -> None:
    subject = document["systems"][MEAN_FACE]
    systems = {**document["systems"], "photo": subject}
    photo = {**document, "model": "photo", "systems": systems, "facts": {"version": "1.0"}}
    classic = {**photo, "model": "classic", "systems": {"classic": subject}}
    elsewhere = {**classic, "data": "leaky"}
    heading, *lines = render([classic, elsewhere, photo]).split("\n\n")[3].splitlines()
    assert heading == "| system | london-validation, 15 people |"
    names = [line.split("|")[1].strip() for line in lines[1:]]
    assert names == ["photo 1.0", "classic 1.0", "no-op", "mean neutral face", "true neutral"]
    assert lines[3].endswith("| 0 % [0, 0] / 100 % / 1.00 |")


def test_the_committed_results_document_agrees_with_its_json() -> None:
    results = REPOSITORY / "docs" / "results"
    assert differences(results, REPOSITORY / "docs" / "results.md") == ""


def test_readme_and_results_give_the_same_figures() -> None:
    figures = re.compile(r"-?\d+ % \[[^]]*\] / \d+ % / \d\.\d\d")
    readme, results = (
        figures.findall((REPOSITORY / name).read_text("utf-8"))
        for name in ("README.md", "docs/results.md")
    )
    assert len(readme) >= 8
    assert set(readme) <= set(results)
