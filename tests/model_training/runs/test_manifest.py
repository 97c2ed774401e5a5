"""The manifest: hashes, merging and refusals; the shipped one says what was published."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from model_training.graphs.quality import measured_quality
from model_training.runs.atomic import write_json
from model_training.runs.manifest import ManifestError, read_manifest, update_manifest


def test_entries_merge_and_other_models_stay(tmp_path: Path) -> None:
    for model in ("photo", "classic"):
        (tmp_path / model).mkdir()
        (tmp_path / model / "fused.onnx").write_bytes(model.encode())
    (tmp_path / "photo" / "extra.onnx").write_bytes(b"extra")
    update_manifest(
        tmp_path, "photo", ["fused.onnx"], version="1.0.0", crop_sizes=(256,), quality={"a": 1}
    )
    update_manifest(tmp_path, "photo", [tmp_path / "photo" / "extra.onnx"], quality={"b": 2})
    update_manifest(tmp_path, "classic", ["fused.onnx"], version="0.1.0", crop_sizes=(112,))

    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["schema"] == 1
    photo = manifest["models"]["photo"]
    assert photo["version"] == "1.0.0"
    assert photo["crop_sizes"] == [256]
    assert photo["quality"] == {"a": 1, "b": 2}
    assert photo["files"]["fused.onnx"] == {
        "sha256": hashlib.sha256(b"photo").hexdigest(),
        "bytes": 5,
    }
    assert set(photo["files"]) == {"fused.onnx", "extra.onnx"}
    assert manifest["models"]["classic"]["crop_sizes"] == [112]


def test_files_that_are_gone_are_dropped(tmp_path: Path) -> None:
    (tmp_path / "photo").mkdir()
    (tmp_path / "photo" / "old.onnx").write_bytes(b"1")
    (tmp_path / "photo" / "new.onnx").write_bytes(b"2")
    update_manifest(tmp_path, "photo", ["old.onnx"])
    (tmp_path / "photo" / "old.onnx").unlink()
    assert set(update_manifest(tmp_path, "photo", ["new.onnx"])["files"]) == {"new.onnx"}


def test_missing_file_and_foreign_manifest_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        update_manifest(tmp_path, "photo", ["fused.onnx"])
    assert not (tmp_path / "manifest.json").exists()
    for text in ("{", '{"schema": 2}', "[]"):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(ManifestError):
            read_manifest(tmp_path)


ROOT = Path(__file__).parents[3]
MODELS = read_manifest(ROOT / "onnx_models")["models"]


@pytest.mark.parametrize("model", sorted(MODELS))
def test_manifest_says_what_was_published(model: str) -> None:
    entry = MODELS[model]
    published = measured_quality(ROOT / "docs" / "results", model, entry["version"])
    assert published, f"no results of {model} {entry['version']} in docs/results"
    assert entry["quality"] == published


def test_results_of_other_versions_are_left_out() -> None:
    assert measured_quality(ROOT / "docs" / "results", "photo", "0.0.0") == {}


def test_json_has_a_line_for_each_flat_object(tmp_path: Path) -> None:
    document = {"facts": {"text": "a {  b }\n [c]", "none": None}, "rows": [[{"e": 1.5}, {"é": 2}]]}
    write_json(document, tmp_path / "made.json")
    text = (tmp_path / "made.json").read_text(encoding="utf-8")
    assert json.loads(text) == document
    assert '   { "e": 1.5 },\n   { "é": 2 }\n' in text
