from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.errors import ModelFileError
from app.inference.registry import listed_files, load_models
from app.inference.runtime import RuntimeOptions
from tests.app.toy_graph import GAIN, write_models

CPU = RuntimeOptions("cpu")


def edit(folder: Path, change: Any) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_loaded_model_runs(toy_models: Path) -> None:
    model = load_models(toy_models, CPU)["photo"]
    crop = np.full((256, 256, 3), 100, np.uint8)
    neutral = model.neutralize(crop, 0.5)
    assert neutral.shape == crop.shape
    assert (neutral[:128] == 100).all()
    assert (neutral[128:] == 100 + GAIN / 2).all()
    assert model.session.provider == "CPUExecutionProvider"
    assert model.session.metadata["crop_spec"] == {"inter_ocular": 0.27}
    model.warm_up()


def test_tampered_file_is_refused(tmp_path: Path) -> None:
    folder = write_models(tmp_path)
    path = folder / "photo" / "fused.onnx"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match="sha256"):
        load_models(folder, CPU)


def test_every_listed_file_is_checked(tmp_path: Path) -> None:
    folder = write_models(tmp_path)
    extra = {"sha256": hashlib.sha256(b"weights").hexdigest(), "bytes": 7}
    edit(folder, lambda m: m["models"]["photo"]["files"].update({"network.onnx": extra}))
    with pytest.raises(ModelFileError, match="cannot be read"):
        load_models(folder, CPU)
    (folder / "photo" / "network.onnx").write_bytes(b"WEIGHTS")
    with pytest.raises(ModelFileError, match="sha256"):
        load_models(folder, CPU)
    (folder / "photo" / "network.onnx").write_bytes(b"weights")
    assert list(load_models(folder, CPU)) == ["photo"]


def test_missing_and_broken_manifests(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="STOICNET_MODELS_DIR"):
        load_models(tmp_path / "absent", CPU)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(ModelFileError, match="not a manifest"):
        load_models(tmp_path, CPU)


def test_manifest_of_another_schema(tmp_path: Path) -> None:
    folder = write_models(tmp_path)
    edit(folder, lambda m: m.update(schema=2))
    with pytest.raises(ModelFileError, match="not a manifest"):
        load_models(folder, CPU)


def test_a_model_without_its_folder_is_not_installed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_models(tmp_path)
    edit(folder, lambda m: m["models"].update(classic=m["models"]["photo"]))
    with caplog.at_level("INFO"):
        assert list(load_models(folder, CPU)) == ["photo"]
    assert "model classic is not installed" in caplog.text
    assert "model photo 0.0.1, licence: not said" in caplog.text
    assert [path.parent.name for path in listed_files(folder)] == ["photo"]
    (folder / "classic").mkdir()
    with pytest.raises(ModelFileError, match="cannot be read"):
        load_models(folder, CPU)
    (folder / "classic").rmdir()
    (folder / "photo").rename(folder / "elsewhere")
    with pytest.raises(ModelFileError, match="no models"):
        load_models(folder, CPU)


def test_empty_manifest(tmp_path: Path) -> None:
    folder = write_models(tmp_path)
    edit(folder, lambda m: m["models"].clear())
    with pytest.raises(ModelFileError, match="lists no models"):
        load_models(folder, CPU)


def test_model_without_fused_graph(tmp_path: Path) -> None:
    folder = write_models(tmp_path)
    edit(folder, lambda m: m["models"]["photo"]["files"].clear())
    with pytest.raises(ModelFileError, match=r"fused\.onnx"):
        load_models(folder, CPU)
