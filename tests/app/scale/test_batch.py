"""Batch runs in this process: sources, reports, restarts, object stores."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from typer.testing import CliRunner

from app.batch.job import Job
from app.batch.names import key_of, result_name
from app.batch.places import Place, PlaceError
from app.batch.run import Summary, WrongRunError, run_batch
from app.batch.sources import chunks, look_into
from app.cli import cli
from app.errors import IncompatibleOptionsError
from app.options import Options
from app.pipeline import Neutralizer
from app.settings import Settings
from tests.app.files import encode
from tests.app.scale.conftest import expected, fill, portraits, results, tar_of
from tests.app.toy_graph import write_models


def bad_images(path: str | Path) -> dict[str, str]:
    with fsspec.open(str(path), "rb") as file:
        rows = pq.read_table(file).to_pylist()
    assert all(row["source"] and row["detail"] for row in rows)
    return {row["key"]: row["code"] for row in rows}


def run(source: object, output: object, settings: Settings, **more: Any) -> Summary:
    retry_bad = more.pop("retry_bad", False)
    return run_batch(Job(str(source), str(output), settings, workers=2, **more), "local", retry_bad)


def test_a_folder_with_files_tars_and_tables(
    neutralizer: Neutralizer,
    settings: Settings,
    astronaut: NDArray[np.uint8],
    no_face: NDArray[np.uint8],
    tmp_path: Path,
) -> None:
    faces = portraits(astronaut, 7)
    source, output = tmp_path / "in", tmp_path / "in" / "neutral"
    bad = {"broken.png": encode(astronaut)[:5000], "letter.jpg": b"Dear sir"}
    bad["coffee.jpg"] = encode(no_face, "JPEG")
    good = {"a.jpg": faces[0], "a.png": encode(astronaut), "deep/er/b.JPG": faces[1]}
    fill(source, good | bad | {"notes.txt": b"-", ".hidden.jpg": faces[0]})
    members = [("1.jpg", faces[2]), ("1.json", b"{}"), ("../2.jpg", faces[3]), ("1.jpg", faces[4])]
    fill(source, {"shard.tar": tar_of(members), "broken.tar": b"no tar" * 200, "x.tar.gz": b"-"})
    struct = [{"bytes": faces[5], "path": "p"}, {"bytes": None, "path": "q"}]
    pq.write_table(pa.table({"id": [1, 2], "image": struct}), source / "struct.parquet")
    pq.write_table(pa.table({"jpg": [faces[6]] * 11}), source / "flat.parquet", row_group_size=4)
    pq.write_table(pa.table({"id": [1]}), source / "numbers.parquet")

    summary = run(source, output, settings)

    wanted = expected(
        neutralizer, good | {"shard.tar/1.jpg": faces[2], "struct.parquet/0": faces[5]}
    )
    wanted |= expected(neutralizer, {"shard.tar/%2E./2.jpg": faces[3]})
    wanted |= expected(neutralizer, {f"flat.parquet/{row:02d}": faces[6] for row in range(11)})
    assert results(output) == wanted
    codes = bad_images(summary.report)
    [duplicate] = [key for key in codes if key.startswith("shard.tar/1.jpg@")]
    assert codes.pop(duplicate) == "duplicate_name"
    assert codes == {
        "broken.png": "damaged_image",
        "letter.jpg": "not_an_image",
        "coffee.jpg": "no_face",
        "struct.parquet/1": "not_an_image",
        "broken.tar": "damaged_shard",
        "numbers.parquet": "damaged_shard",
        "x.tar.gz": "compressed_shard",
    }
    assert (summary.images, summary.written, summary.bad) == (21, 17, 8)


def test_a_second_run_does_what_is_left(
    settings: Settings, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    faces = portraits(astronaut, 4)
    fill(source, {"0.jpg": faces[0], "1.jpg": faces[1], "2.jpg": b"broken"})
    run(source, output, settings)
    times = {path: path.stat().st_mtime_ns for path in output.glob("*.png")}
    fill(source, {"3.jpg": faces[3], "2.jpg": faces[2]})
    (output / "0.jpg.png").unlink()
    again = run(source, output, settings)
    assert (again.images, again.before, again.written, again.bad) == (4, 2, 2, 1)
    assert (output / "1.jpg.png").stat().st_mtime_ns == times[output / "1.jpg.png"]
    # What was bad is left alone until that is asked for.
    assert "2.jpg.png" not in results(output)
    retried = run(source, output, settings, retry_bad=True)
    assert (retried.before, retried.written, retried.bad) == (3, 1, 0)
    assert bad_images(retried.report) == {}


def test_results_of_different_runs_are_not_mixed(
    settings: Settings, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    fill(source, {"0.jpg": portraits(astronaut, 1)[0]})
    run(source, output, settings)
    with pytest.raises(PlaceError, match=r"strength.*1\.0.*0\.5"):
        run(source, output, settings, options=Options(strength=0.5))
    with pytest.raises(PlaceError, match="png_compression"):
        run(source, output, settings.model_copy(update={"png_compression": 9}))
    with pytest.raises(PlaceError, match="another folder"):
        run(source, source, settings)
    with pytest.raises(PlaceError, match="holds no images"):
        run(output / ".stoicnet", tmp_path / "out2", settings)
    with pytest.raises(IncompatibleOptionsError, match="output=face"):
        run(source, tmp_path / "out2", settings, options=Options(output="face", faces="all"))
    with pytest.raises(WrongRunError, match="classic is not installed"):
        run(source, tmp_path / "out2", settings, options=Options(model="classic"))
    with pytest.raises(PlaceError, match="nowhere"):
        run("nowhere://bucket", tmp_path / "out2", settings)


def test_regions_that_the_model_does_not_know_end_the_run_before_it_begins(
    settings: Settings, toy_models: Path, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    faces = portraits(astronaut, 2)
    fill(source, {"0.jpg": faces[0], "1.jpg": faces[1]})
    with pytest.raises(IncompatibleOptionsError, match="photo cannot tell eyes, mouth"):
        run(source, output, settings, options=Options(regions="mouth,eyes"))
    assert not output.exists()
    said = CliRunner().invoke(
        cli,
        ["batch", str(source), str(output), "--regions", "mouth"],
        env={"STOICNET_MODELS_DIR": str(toy_models), "STOICNET_DEVICE": "cpu"},
    )
    assert said.exit_code == 2
    assert said.stderr.count("cannot tell mouth") == 1
    assert not output.exists()
    models = write_models(tmp_path / "models", regions=("brows", "eyes", "mouth"))
    knows = settings.model_copy(update={"models_dir": models})
    assert run(source, output, knows, options=Options(regions="mouth")).written == 2


def test_object_stores(
    neutralizer: Neutralizer, settings: Settings, astronaut: NDArray[np.uint8]
) -> None:
    store = fsspec.filesystem("memory")
    bucket = f"/bucket-{uuid.uuid4().hex}"
    faces = portraits(astronaut, 5)
    members = [(f"{index}.jpg", face) for index, face in enumerate(faces[:4])]
    store.pipe_file(f"{bucket}/in/s.tar", tar_of(members))
    store.pipe_file(f"{bucket}/in/x/4.jpg", faces[4])
    store.pipe_file(f"{bucket}/in/5.jpg", b"broken")
    summary = run(f"memory:/{bucket}/in", f"memory:/{bucket}/out", settings)
    assert (summary.written, summary.bad) == (5, 1)
    files = {f"s.tar/{index}.jpg": face for index, face in enumerate(faces[:4])}
    wanted = expected(neutralizer, files | {"x/4.jpg": faces[4]})
    found = {path.partition("/out/")[2] for path in store.find(f"{bucket}/out")}
    assert found == wanted.keys() | {"bad-images.parquet", ".stoicnet/run.json"}
    assert {n: store.cat_file(f"{bucket}/out/{n}") for n in wanted} == wanted
    assert bad_images(f"memory:/{bucket}/out/bad-images.parquet") == {"5.jpg": "not_an_image"}


def test_file_urls_and_single_shards(
    neutralizer: Neutralizer, settings: Settings, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    [face] = portraits(astronaut, 1)
    fill(tmp_path, {"s.tar": tar_of([("a.jpg", face)])})
    run(f"file://{tmp_path}/s.tar", f"file://{tmp_path}/out", settings)
    assert results(tmp_path / "out") == expected(neutralizer, {"s.tar/a.jpg": face})


def test_a_full_disk_ends_the_run(
    settings: Settings, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    fill(source, {"a/0.jpg": portraits(astronaut, 1)[0]})
    output.mkdir()
    (output / "a").write_text("a file where a folder has to be")
    from app.batch.run import BrokenRunError

    with pytest.raises(BrokenRunError, match="cannot_write"):
        run(source, output, settings)
    (output / "a").unlink()
    assert run(source, output, settings).written == 1


def test_rows_of_a_group_go_together_in_few_slices(tmp_path: Path) -> None:
    table = pa.table({"image": pa.array([b"-"] * 100)})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=60)
    fill(tmp_path, {f"{index}.jpg": b"-" for index in range(5)})
    items = look_into(Place.of(str(tmp_path)), Place.of(str(tmp_path / "out"))).items
    found = list(chunks(items, 3))
    assert [item for chunk in found for item in chunk] == items
    groups = [{(item.path, item.group) for item in chunk} for chunk in found]
    assert all(len(group) == 1 for group in groups[2:])
    assert [len(chunk) for chunk in found] == [3, 2, *[8] * 7, 4, *[5] * 8]


def test_what_a_run_was_is_kept_beside_it(
    settings: Settings, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    fill(tmp_path / "in", {"0.jpg": portraits(astronaut, 1)[0]})
    job = Job(str(tmp_path / "in"), str(tmp_path / "out"), settings)
    run_batch(replace(job, options=Options(strength=0.5)))
    kept = json.loads((tmp_path / "out" / ".stoicnet" / "run.json").read_text())
    assert kept["options"]["strength"] == 0.5
    assert kept["model"] == "photo"
    assert list((tmp_path / "out" / ".stoicnet").rglob("*.parquet")) == []


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300))
def test_no_name_leaves_the_folder_or_is_too_long(key: str) -> None:
    parts = result_name(key).split("/")
    assert all(part and not part.startswith(".") for part in parts)
    assert all(len(part.encode()) <= 210 for part in parts)
    assert "\0" not in result_name(key)


@given(st.lists(st.text(alphabet="a%./\\: 2E", max_size=8), unique=True, max_size=20))
def test_different_keys_have_different_names(keys: list[str]) -> None:
    assert len({result_name(key) for key in keys}) == len(keys)


def test_names_people_use_stay_as_they_are() -> None:
    assert result_name("holiday/Zoë 1.jpg") == "holiday/Zoë 1.jpg.png"
    assert result_name("../../etc/x.jpg") == "%2E./%2E./etc/x.jpg.png"
    assert result_name("/x.jpg") == "%/x.jpg.png"
    long = ["a" * 300 + ending for ending in ("1", "2")]
    assert result_name(long[0]) != result_name(long[1])


def test_bytes_that_are_no_utf8_become_text() -> None:
    raw = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    assert key_of(raw) == "caf%E9.jpg"
    key_of(raw).encode()
