"""Stage 3 with exported files instead of a training: the same latents, another fused graph."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch

from app.settings import DEFAULT_MODELS_DIR
from model_training.classic.networks import Neutralizer
from model_training.classic.networks.exported import ExportedClassic, put_neutralizer
from tests.model_training.command_line import invoke
from tests.model_training.drawn_faces import draw_face, save

CLASSIC = DEFAULT_MODELS_DIR / "classic"


@pytest.fixture(scope="module")
def exported() -> ExportedClassic:
    return ExportedClassic(CLASSIC)


def run(file: Path, image: np.ndarray) -> np.ndarray:
    session = ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    feed = {"image": image, "strength": np.ones(len(image), np.float32)}
    return np.asarray(session.run(None, feed)[0])


def faces(count: int) -> np.ndarray:
    return np.stack([draw_face(person, 0.5)[34:146, 34:146] for person in range(count)])


def test_sizes_come_from_the_files(exported: ExportedClassic) -> None:
    assert (exported.config.image_size, exported.config.channels) == (112, 1)
    assert exported.config.latent == 384
    mu, logvar = exported.encoder(torch.zeros(3, 1, 112, 112))
    assert mu.shape == logvar.shape == (3, 384)
    assert exported.enhancer(exported.decoder(mu)).shape == (3, 1, 112, 112)


def test_a_folder_without_networks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"encoder\.onnx is missing"):
        ExportedClassic(tmp_path)


def test_the_fused_graph_takes_another_neutralizer(tmp_path: Path) -> None:
    unchanged = Neutralizer(384)
    with torch.no_grad():
        unchanged.dense.weight.copy_(torch.eye(384))
        unchanged.dense.bias.zero_()
    out = tmp_path / "fused.onnx"
    version = put_neutralizer(CLASSIC / "fused.onnx", unchanged, out, "still")
    assert version.endswith("+still")
    image = faces(2)
    session = ort.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    # A neutralizer that does nothing gives at strength 1 what every one gives at 0.
    whole, none = (
        session.run(None, {"image": image, "strength": np.full(2, s, np.float32)})[0]
        for s in (1.0, 0.0)
    )
    assert np.abs(whole.astype(int) - none).max() <= 1
    assert np.abs(run(CLASSIC / "fused.onnx", image).astype(int) - whole).max() > 5
    with pytest.raises(ValueError, match="takes a neutralizer"):
        put_neutralizer(CLASSIC / "fused.onnx", Neutralizer(100), tmp_path / "other.onnx", "x")


@pytest.mark.slow
def test_a_neutralizer_is_fitted_to_exported_networks(tmp_path: Path) -> None:
    for person in range(8):
        crop = draw_face(person, 0.0)[34:146, 34:146]
        save(crop, tmp_path / "pairs" / "target" / f"p{person}__a.png")
        for number in (1, 2):
            crop = draw_face(person, number / 2)[34:146, 34:146]
            save(crop, tmp_path / "pairs" / "source" / f"p{person}__{number}.png")
    rows = [
        f"source/p{person}__{number}.png,target/p{person}__a.png,p{person}"
        for person in range(8)
        for number in (1, 2)
    ]
    (tmp_path / "pairs" / "pairs.csv").write_text("\n".join(["source,target,person", *rows]))
    out = tmp_path / "out"
    options = ["--weights", str(CLASSIC), "--pairs", str(tmp_path / "pairs"), "--out", str(out)]
    result = invoke(["train", "neutralizer", "still", *options, "--epochs", "2"])
    assert result.exit_code == 0, result.output
    report = json.loads((out / "still.json").read_text())
    assert report["pairs"] == 16
    assert report["l_ntr_fitted"]["ridge"] < report["l_ntr_fitted"]["unchanged"]
    fused = out / "models" / "classic" / "fused.onnx"
    image = faces(1)
    assert run(fused, image).shape == image.shape
    assert not np.array_equal(run(fused, image), run(CLASSIC / "fused.onnx", image))
    manifest = json.loads((out / "models" / "manifest.json").read_text())
    assert manifest["models"]["classic"]["crop_sizes"] == [112]
    assert manifest["models"]["classic"]["version"].endswith("+still")
