"""Training `classic`: all stages by one command, killed and resumed, both neutralizers reported."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from model_training.classic.recipe import EXTENDED, PAPER, ClassicRecipe, with_options
from model_training.classic.train import load_result
from model_training.runs.checkpoint import load_checkpoint
from model_training.runs.log import read_rows
from tests.model_training.command_line import Result, command, invoke, tiny_options

REPOSITORY = Path(__file__).parents[3]


def train(options: list[str]) -> Result:
    return invoke(["train", "classic", *options])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ck")


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an uninterrupted run."""
    out = tmp_path_factory.mktemp("run")
    result = train(tiny_options(data, out))
    assert result.exit_code == 0, result.output
    assert "42 crops (3 of validation people)" in result.output
    return out


def kill_once_there(options: list[str], file: Path) -> None:
    """Start a training in a process of its own and SIGKILL it as soon as `file` appears."""
    process = subprocess.Popen(command(options), cwd=REPOSITORY, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 1200  # a busy machine only takes longer
    while not file.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert file.exists()


@pytest.mark.slow
def test_killed_in_two_stages_and_resumed_it_ends_with_the_same_weights(
    run: Path, data: Path, tmp_path: Path
) -> None:
    options = tiny_options(data, tmp_path)
    kill_once_there(options, tmp_path / "stage1.pt")
    done = load_checkpoint(tmp_path / "stage1.pt")["step"]
    assert done < load_checkpoint(run / "stage1.pt")["step"]
    kill_once_there(options, tmp_path / "stage2.pt")
    assert not (tmp_path / "classic.pt").exists()
    result = train(options)
    assert result.exit_code == 0, result.output

    ours, theirs = (load_checkpoint(folder / "classic.pt") for folder in (tmp_path, run))
    assert ours["network"].keys() == theirs["network"].keys()
    for name, weight in ours["network"].items():
        assert torch.equal(weight, theirs["network"][name]), name
    for solution in ("sgd", "ridge"):
        for name, weight in ours["neutralizers"][solution].items():
            assert torch.equal(weight, theirs["neutralizers"][solution][name]), name
    for stage in ("stage1", "stage2", "stage3"):
        assert read_rows(tmp_path / f"{stage}.csv") == read_rows(run / f"{stage}.csv")


@pytest.mark.slow
def test_it_learns_and_leaves_pictures(run: Path) -> None:
    rows = read_rows(run / "stage1.csv")
    errors = [row["rec1"] for row in rows]
    assert sum(errors[-3:]) < 0.9 * sum(errors[:3])
    assert rows[0]["w_kl"] < rows[-1]["w_kl"] == 0.003
    assert "val_sharpness_enhanced" in rows[-1]
    second = read_rows(run / "stage2.csv")
    assert second[0]["w_g"] < second[-1]["w_g"] == 0.05
    assert {"gan", "l_dis", "d_real", "d_enhanced"} <= second[-1].keys()
    for name in ("stage1.png", "stage2.png", "stage3.png", "w_kl.png", "w_g.png"):
        picture = cv2.imread(str(run / name))
        assert picture is not None, name
        assert picture.std() > 5, name
    sheet = cv2.imread(str(run / "sheets" / "stage2-epoch-0004.png"))
    assert sheet.shape[0] == 4 * 32
    assert np.ptp(sheet) > 100


@pytest.mark.slow
def test_stage_3_reports_both_solutions_and_controls_on_people_held_out(run: Path) -> None:
    report = json.loads((run / "stage3.json").read_text())
    assert report["pairs"] == 42
    assert report["people"] == 14
    assert report["held_out_people"] == 1
    assert report["held_out_pairs"] == 3
    assert set(report["l_ntr_held_out"]) == {"unchanged", "mean_neutral", "sgd", "ridge"}
    fitted = report["l_ntr_fitted"]
    assert fitted["ridge"] < fitted["unchanged"]
    assert len(report["ridge_cross_validated"]) == 13


@pytest.mark.slow
def test_either_solution_can_be_loaded_and_the_recipe_chooses(run: Path) -> None:
    default, stored = load_result(run / "classic.pt")
    assert stored["datasets"] == ["ck_plus"]
    sgd, _ = load_result(run / "classic.pt", "sgd")
    ridge, _ = load_result(run / "classic.pt", "ridge", sharpen=0.0)
    assert torch.equal(default.neutralizer.dense.weight, sgd.neutralizer.dense.weight)
    assert not torch.equal(sgd.neutralizer.dense.weight, ridge.neutralizer.dense.weight)
    assert ridge.sharpen.amount == 0.0


@pytest.mark.slow
def test_other_settings_do_not_continue_a_run(run: Path, data: Path) -> None:
    result = train(tiny_options(data, run, "w_r=4.0"))
    assert result.exit_code == 1
    assert "w_r (5.0 -> 4.0)" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "nonsense=1"], "nonsense"),
        (["--set", "flip"], "KEY=VALUE"),
        (["--recipe", "better"], "paper"),
        ([], "no images given"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, arguments: list[str], message: str) -> None:
    result = train(["--out", str(tmp_path), "--compute", "float32", *arguments])
    assert result.exit_code != 0
    assert message in result.output


def test_help_explains_itself() -> None:
    result = invoke(["train", "classic", "--help"])
    assert result.exit_code == 0
    for word in ("--lfw", "--pairs", "--ck-plus", "continues"):
        assert word in result.output


def test_recipes_survive_storage_and_take_options() -> None:
    for recipe in (PAPER, EXTENDED):
        assert ClassicRecipe.from_dict(recipe.to_dict()) == recipe
    changed = with_options(PAPER, latent=64, w_g=0.03, flip=None)
    assert changed.network.latent == 64
    assert changed.w_g == 0.03
    assert changed.flip is False
    assert PAPER.network.latent == 100
