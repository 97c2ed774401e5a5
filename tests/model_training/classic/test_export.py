"""`classic` in ONNX Runtime: the contract of the fused graph, and the same pixels as torch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from model_training.classic.export import FusedClassic
from model_training.classic.networks import ClassicConfig, ClassicNet, Neutralizer
from model_training.classic.pair_sets import resize
from model_training.classic.recipe import PAPER, with_options
from model_training.classic.stage3 import NeutralizerFit
from model_training.classic.train import save_result
from model_training.runs.onnx import SHARE_IN_HALF, Example, ExportError, compare_with_torch
from tests.model_training.command_line import invoke
from tests.model_training.drawn_faces import draw_face, save

pytestmark = pytest.mark.slow

SIDE = 32


def lively(network: torch.nn.Module) -> torch.nn.Module:
    """Weights large enough, and statistics uneven enough, that errors would show."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.uniform_(-0.3, 0.3)
                module.running_var.uniform_(0.5, 1.5)
    return network.eval()


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `classic.pt` of the smallest networks, as a training leaves it."""
    torch.manual_seed(1)
    sizes = {"encoder_widths": (4, 4, 8, 8), "decoder_widths": (8, 4, 4, 4)}
    recipe = with_options(
        PAPER, image_size=SIDE, latent=6, enhancer_width=4, discriminator_dense=8,
        stage3_epochs=2, **sizes,
    )  # fmt: skip
    network = lively(ClassicNet(recipe.network))
    assert isinstance(network, ClassicNet)
    both = {name: lively(Neutralizer(6)) for name in ("sgd", "ridge")}
    both["ridge"].dense.bias.data += 1.0
    file = tmp_path_factory.mktemp("trained") / "classic.pt"
    save_result(file, network, recipe, NeutralizerFit(both, {}), ["london"])  # type: ignore[arg-type]
    return file


@pytest.fixture(scope="module")
def models(result: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("onnx_models")
    command = ["export", "classic", str(result), "--models", str(folder), "--version", "1.2.3"]
    outcome = invoke(command)
    assert outcome.exit_code == 0, outcome.output
    return folder


def crops(count: int) -> np.ndarray:
    return np.stack([resize(draw_face(p, p % 2), SIDE) for p in range(count)])


def test_all_files_are_in_the_manifest(models: Path) -> None:
    names = {"encoder", "neutralizer", "decoder", "enhancer", "fused"}
    assert {p.name for p in (models / "classic").iterdir()} == {f"{n}.onnx" for n in names}
    entry = json.loads((models / "manifest.json").read_text())["models"]["classic"]
    assert set(entry["files"]) == {f"{n}.onnx" for n in names}
    assert entry["version"] == "1.2.3"
    assert entry["crop_sizes"] == [SIDE]


@pytest.mark.parametrize("batch", [1, 3])
def test_fused_graph_agrees_with_torch_within_one_grey_level(
    models: Path, result: Path, batch: int
) -> None:
    from model_training.classic.train import load_result

    fused = FusedClassic(load_result(result)[0])
    session = onnxruntime.InferenceSession(
        str(models / "classic" / "fused.onnx"), providers=["CPUExecutionProvider"]
    )
    image = crops(batch)
    answers = {}
    for strength in (0.0, 0.5, 1.0):
        amount = np.full(batch, strength, np.float32)
        (neutral,) = session.run(["neutral"], {"image": image, "strength": amount})
        with torch.no_grad():
            wanted = fused(torch.from_numpy(image), torch.from_numpy(amount)).numpy()
        assert neutral.dtype == np.uint8
        assert neutral.shape == (batch, SIDE, SIDE, 3)
        assert np.abs(neutral.astype(int) - wanted.astype(int)).max() <= 1
        assert (neutral == neutral[..., :1]).all()
        answers[strength] = neutral
    assert np.ptp(answers[0.0]) > 20
    assert (answers[0.0] != answers[1.0]).any()


def test_fused_graph_describes_itself(models: Path) -> None:
    session = onnxruntime.InferenceSession(
        str(models / "classic" / "fused.onnx"), providers=["CPUExecutionProvider"]
    )
    assert [(i.name, i.type) for i in session.get_inputs()] == [
        ("image", "tensor(uint8)"),
        ("strength", "tensor(float)"),
    ]
    assert session.get_inputs()[0].shape[1:] == [SIDE, SIDE, 3]
    facts = session.get_modelmeta().custom_metadata_map
    assert facts["name"] == "stoicnet-classic-fused"
    assert facts["version"] == "1.2.3"
    assert json.loads(facts["crop_spec"])["sizes"] == [SIDE]
    assert "CC BY" in facts["training_data"]
    assert facts["licence"] == "Apache-2.0"
    assert len(facts["config_hash"]) == 16


def test_networks_chained_are_the_pipeline(models: Path, result: Path) -> None:
    from model_training.classic.train import load_result

    def run(name: str, value: np.ndarray) -> np.ndarray:
        file = str(models / "classic" / f"{name}.onnx")
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        return np.asarray(session.run(None, {session.get_inputs()[0].name: value})[0])

    net = load_result(result)[0]
    image = np.random.default_rng(0).uniform(-1, 1, (1, 1, SIDE, SIDE)).astype(np.float32)
    chained = run("enhancer", run("decoder", run("neutralizer", run("encoder", image))))
    with torch.no_grad():
        whole = net(torch.from_numpy(image), torch.ones(1)).numpy()
        sharpened = net.sharpen(torch.from_numpy(chained)).numpy()
    assert np.abs(sharpened - whole).max() < 5e-3


def test_a_graph_that_disagrees_is_refused(models: Path) -> None:
    other, example = Neutralizer(6), Example({"mu": torch.ones(2, 6)}, ["neutral_mu"])
    file = models / "classic" / "neutralizer.onnx"
    with pytest.raises(ExportError, match="differs from torch"):
        compare_with_torch(other, example, file, SHARE_IN_HALF)


def test_another_transformation_from_a_pair_folder(result: Path, tmp_path: Path) -> None:
    for person in range(6):
        for smile in (0.3, 1.0):
            name = f"p{person}__{smile}.png"
            for kind, amount in (("source", smile), ("target", 0.0)):
                face = draw_face(person, amount)[24:144, 30:150]
                save(face, tmp_path / "pairs" / kind / name)
    out = tmp_path / "out"
    command = ["train", "neutralizer", "calm", "--weights", str(result), "--out", str(out)]
    outcome = invoke([*command, "--pairs", str(tmp_path / "pairs")])
    assert outcome.exit_code == 0, outcome.output
    report = json.loads((out / "calm.json").read_text())
    assert report["pairs"] == 12
    assert report["people"] == 6
    assert report["l_ntr_fitted"]["ridge"] < report["l_ntr_fitted"]["unchanged"]
    assert (out / "calm-sheet.png").exists()
    session = onnxruntime.InferenceSession(
        str(out / "neutralizer-calm.onnx"), providers=["CPUExecutionProvider"]
    )
    assert session.run(None, {"mu": np.zeros((5, 6), np.float32)})[0].shape == (5, 6)


def test_a_stage_checkpoint_is_not_a_finished_training(tmp_path: Path) -> None:
    from model_training.runs.checkpoint import save_checkpoint

    save_checkpoint(tmp_path / "stage1.pt", network=ClassicNet(ClassicConfig(image_size=32)))
    command = ["export", "classic", str(tmp_path / "stage1.pt"), "--models", str(tmp_path)]
    outcome = invoke(command)
    assert outcome.exit_code == 1
    assert "not a finished training" in outcome.output
