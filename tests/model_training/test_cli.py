"""The training command line: its options are the fields of the configurations, each explained."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import docstring_parser
import pytest

import model_training
from model_training import cli
from model_training.classic.config import ClassicTrainingConfig
from model_training.options import Many, check
from model_training.photo.config import PhotoData, PhotoLossWeights, PhotoTrainingConfig
from model_training.runs.config import ComputeConfig, Pace
from tests.model_training.command_line import invoke

REPOSITORY = Path(__file__).parents[2]


def documented(config: type) -> Iterator[tuple[str, str]]:
    """Every field of a configuration, those of nested ones too, with its docstring's text."""
    texts = {
        line.arg_name: line.description or ""
        for kind in config.__mro__
        for line in docstring_parser.parse(kind.__doc__ or "").params
    }
    types = get_type_hints(config)
    for field in fields(config):
        if is_dataclass(types[field.name]):
            yield from documented(types[field.name])
        elif field.name != "sets":  # of `prepare-eyes`; no option
            yield field.name, texts.get(field.name, "")


def bare(text: str) -> str:
    """Without the frames and line breaks of a help page."""
    return re.sub(r"[\s│]+", "", text)


@pytest.mark.parametrize("name", cli.commands())
def test_every_command_has_its_function_and_every_option_its_help(name: str) -> None:
    config, function = cli.commands()[name]
    module, _, member = function.partition(":")
    assert callable(getattr(import_module(module), member))
    shown = invoke([*name.split(), "--help"])
    assert shown.exit_code == 0
    assert bare((config.__doc__ or "").split("\n")[0]) in bare(shown.output)
    helps = dict(documented(config))
    assert helps
    for field, text in helps.items():
        assert len(text) > 3, field
        assert bare(text) in bare(shown.output), field


@pytest.mark.parametrize("arguments", [["--help"], ["train", "photo", "--help"], ["train"]])
def test_nothing_heavy_is_imported_to_help(arguments: list[str]) -> None:
    code = (
        "import atexit, json, sys\n"
        "atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))\n"
        "from model_training.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == (0 if "--help" in arguments else 2)
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert {"model_training.photo.config", "tyro"} <= loaded
    assert loaded & {"torch", "numba", "onnx", "onnxruntime", "cv2", "scipy", "mediapipe"} == set()


def test_options_reach_nested_fields_and_are_named_once(tmp_path: Path) -> None:
    out, prepared = str(tmp_path / "out"), str(tmp_path / "prepared")
    pairs = [str(tmp_path / name) for name in "ab"]
    config = cli.parse(
        [
            *("train", "photo", "--out", out, "--prepared", prepared, "--pairs", pairs[0]),
            *("--pairs", pairs[1], "--expression", "0.2", "--device", "cpu", "--steps", "9"),
        ]
    )
    assert config == PhotoTrainingConfig(
        PhotoData((Path(pairs[0]), Path(pairs[1])), Path(prepared)),
        Path(out),
        steps=9,
        weights=PhotoLossWeights(expression=0.2),
        compute=ComputeConfig(device="cpu"),
    )
    config = cli.parse(
        [
            *("train", "classic", "--out", out, "--set", "w_kl=1e-3", "--set", "flip=true"),
            *("--log-every", "2", "--no-tensorboard", "--compute", "float32"),
        ]
    )
    assert config == ClassicTrainingConfig(
        Path(out),
        settings=("w_kl=1e-3", "flip=true"),
        pace=Pace(log=2, tensorboard=False),
        compute=ComputeConfig(compute="float32"),
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["trane"], 2, "trane"),
        (["train", "photo", "--pears", "x"], 2, "--pears"),
        (["train", "classic", "--out", "x", "--device", "tpu"], 2, "(?s)auto.*cpu.*cuda"),
        (["train", "classic", "--out", "x", "--threads", "two"], 2, "two"),
        (["train", "classic", "--out", "x", "--lfw", "nowhere"], 2, "--lfw: .* directory: nowhere"),
        (["train", "photo", "--out", "x", "--prepared", "."], 2, "--pairs: At least one"),
        (["train", "neutralizer", "A B", "--weights", ".", "--pairs", ".", "--out", "x"],
         2, "name"),
        (["synthesize", "--photos", ".", "--landmarks", "pyproject.toml", "--face-model", "nowhere",
          "--out", "x", "--pairs", "0"], 2, "(?s)--face-model: .*--pairs: .*equal to 1"),
        (["train", "meter", "--landmarks", "pyproject.toml", "--out", "x"], 2, "--fairface"),
        (["export", "quality", "photo", "--models-dir", "nowhere"], 1, "nowhere"),
    ],
)  # fmt: skip
def test_mistakes_are_one_message_and_an_exit_code(
    arguments: list[str], code: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORY)
    result = invoke(arguments)
    assert result.exit_code == code, result.output
    assert re.search(message, result.output)
    assert "Traceback" not in result.output


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model of one folder, in the list of parts: its configuration and its commands."""
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "config.py").write_text(TOY_CONFIG)
    (folder / "commands.py").write_text(TOY_COMMANDS)
    monkeypatch.setattr(model_training, "__path__", [*model_training.__path__, str(tmp_path)])
    monkeypatch.setattr(cli, "PARTS", (*cli.PARTS, "toy"))
    for name in ("toy", "toy.config", "toy.commands"):
        monkeypatch.delitem(sys.modules, f"model_training.{name}", raising=False)
    monkeypatch.delattr(model_training, "toy", raising=False)
    return folder


TOY_CONFIG = """
from dataclasses import dataclass
from pathlib import Path

@dataclass(frozen=True)
class ToyConfig:
    '''Train a toy.

    Attributes:
        out: where it goes.
        steps: how many.
    '''

    out: Path
    steps: int = 3

COMMANDS = {"train toy": (ToyConfig, "train")}
"""
TOY_COMMANDS = """
def train(config):
    (config.out / "toy.txt").write_text("trained " * config.steps)
"""


@pytest.mark.usefixtures("toy")
def test_a_model_is_a_folder_and_its_name_in_the_list(tmp_path: Path) -> None:
    assert "Train a toy." in invoke(["train", "--help"]).output
    result = invoke(["train", "toy", "--out", str(tmp_path), "--steps", "2"])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "toy.txt").read_text() == "trained trained "


@pytest.mark.parametrize(
    ("package", "remedy"),
    [("scipy", "[train]"), ("dlib", ".venv-eval"), (next(iter(cli.EXTRAS)), "[perceptual]")],
)
def test_a_missing_package_is_named_with_what_installs_it(
    toy: Path, package: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (toy / "commands.py").write_text(f"import {package}\n")
    monkeypatch.setitem(sys.modules, package, None)
    result = invoke(["train", "toy", "--out", "x"])
    assert result.exit_code == 1
    assert f"{package} is not installed" in result.output
    assert remedy in result.output


def test_a_module_of_ours_that_is_missing_is_a_fault(toy: Path) -> None:
    (toy / "commands.py").unlink()
    with pytest.raises(ModuleNotFoundError, match="toy"):
        invoke(["train", "toy", "--out", "x"])


@dataclass(frozen=True)
class Bounded:
    """Bounds of its own."""

    count: Many[int]


def test_bounds_hold_whoever_makes_the_configuration() -> None:
    check(Bounded((1,)))
    with pytest.raises(ValueError, match="--count"):
        check(Bounded(()))
