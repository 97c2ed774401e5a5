"""Commands of the documentation that are not run: whatever they name has to be there.

`test_docs.py` runs what can be run. Training, containers and clusters cannot: here their commands
are parsed by the programs' own parsers, and files, targets, extras and profiles looked up. A
command that nobody can check is a failure.
"""

from __future__ import annotations

import io
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from app.cli import cli as service_cli
from app.settings import Settings
from model_training import cli as training
from model_training.options import mistakes

ROOT = Path(__file__).resolve().parents[2]
RECORDS = set((ROOT / "docs" / "experiments").glob("*.md"))
"""What was run on a day: kept as it was when commands and settings change."""
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted({*(ROOT / "docs").rglob("*.md")} - RECORDS)]
DOCUMENTS += sorted((ROOT / "onnx_models").glob("*.md"))

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(
    r"`((?:\S*bin/)?(?:python3?|make|pip|stoicnet|docker|kubectl|locust|uv) [^`]+)`"
)
_NOT_COMMANDS = frozenset({"python", "json", "mermaid", "tree", "dockerfile"})
_RUN_ELSEWHERE = frozenset({"curl", "grep", "echo", "test"})


def commands(path: Path) -> list[str]:
    """Every command line, continuation lines joined, comments and what follows a pipe cut off."""
    text = path.read_text()
    found = [code for tag, code in _BLOCK.findall(text) if tag not in _NOT_COMMANDS]
    lines = [line for code in found for line in code.replace("\\\n", " ").splitlines()]
    lines += _INLINE.findall(_BLOCK.sub("", text))
    stripped = (re.split(r" \|\|? |\s#\s", line)[0].strip() for line in lines)
    return [line for line in stripped if line]


def parsed(program: typer.Typer, arguments: Sequence[str]) -> None:
    """Let a command line's own parser read it, without running or touching anything."""
    command: Any = typer.main.get_command(program)
    words = list(arguments)
    while hasattr(command, "commands"):
        assert words, f"{command.name} needs a command"
        name = words.pop(0)
        if name.startswith("-"):
            assert any(name in parameter.opts for parameter in command.params), name
            return
        assert name in command.commands, f"no command {name}"
        command = command.commands[name]
    if words in ([], ["..."]):  # only named
        return
    context = command.context_class(command, info_name=command.name)
    given, _, _ = command.make_parser(context).parse_args(words)
    missing = [p.name for p in command.params if p.required and not given.get(p.name)]
    assert missing == [], f"{command.name} lacks {missing}"


def parsed_by_training(arguments: Sequence[str]) -> None:
    """The same for the training command line; files and folders need not be there."""
    words = [word for word in arguments if word != "..."]
    if " ".join(words) in (*training.commands(), *training.GROUPS):  # only named
        return
    printed = io.StringIO()
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            config = training.parse(words)
    except SystemExit as end:
        if end.code:
            raise AssertionError(printed.getvalue()) from end
        return
    wrong = [found for found in mistakes(config) if not found["type"].startswith("path_")]
    assert wrong == []


@cache
def help_of(module: str) -> str:
    """What a module prints when asked for help; in this process, which has its imports already."""
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        patch.setattr(sys, "argv", [module, "--help"])
        patch.delitem(sys.modules, module, raising=False)  # runpy warns of one that is imported
        with pytest.raises(SystemExit) as end:
            runpy.run_module(module, run_name="__main__")
    assert end.value.code in (0, None)
    return printed.getvalue()


def python(words: list[str]) -> None:
    if words[0] == "-m" and words[1] == "model_training":
        parsed_by_training(words[2:])
    elif words[0] == "-m":
        if words[1] == "json.tool":
            return
        place = ROOT / words[1].replace(".", "/")
        assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), words[1]
        for option in (word for word in words[2:] if word.startswith("--")):
            assert option in help_of(words[1]), option
    elif words[0] != "-c":
        assert (ROOT / words[0]).is_file(), words[0]


def make(words: list[str]) -> None:
    done = subprocess.run(
        ["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def pip(words: list[str]) -> None:
    assert words[0] == "install"
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for named in re.findall(r"\[([\w,]+)\]", " ".join(words)):
        assert set(named.split(",")) <= set(extras), named


def docker(words: list[str]) -> None:
    assert words[0] == "compose"
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"].values()
    profiles = {profile for service in services for profile in service["profiles"]}
    asked = [after for word, after in pairwise(words) if word == "--profile"]
    assert asked
    assert set(asked) <= profiles


def names_a_file(words: list[str]) -> None:
    files = [after for word, after in pairwise(words) if word in ("-f", "run")]
    assert files
    assert all((ROOT / file).is_file() for file in files), files


def kubectl(words: list[str]) -> None:
    if "-k" not in words:
        names_a_file(words)
    else:
        assert (ROOT / words[words.index("-k") + 1] / "kustomization.yaml").is_file()


def torchrun(words: list[str]) -> None:
    python(words[words.index("-m") :])


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "make": make,
    "python": python,
    "python3": python,
    "pip": pip,
    "docker": docker,
    "kubectl": kubectl,
    "locust": names_a_file,
    "torchrun": torchrun,
    "uv": names_a_file,
    "stoicnet": lambda words: parsed(service_cli, words),
}


@pytest.mark.slow
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_commands_name_is_there(path: Path) -> None:
    for line in commands(path):
        words = shlex.split(line)
        while re.fullmatch(r"[A-Z_]+=\S*", words[0]):
            words.pop(0)
        program = words[0].rpartition("bin/")[2]
        if program in _RUN_ELSEWHERE:
            continue
        assert program in CHECKS, f"nothing checks: {line}"
        try:
            CHECKS[program](words[1:])
        except Exception as error:
            raise AssertionError(f"{path.name}: {line}: {error}") from error


def test_commands_are_found_and_faults_too() -> None:
    found = [line for path in DOCUMENTS for line in commands(path)]
    assert len(found) > 40
    assert any(line.startswith("python -m model_training train classic") for line in found)
    for wrong in (
        ["train", "photo", "--pears", "x"],
        ["train", "photo", "--pairs", "x"],  # others are required
        ["trane"],
    ):
        with pytest.raises(Exception, match=r"pears|--out|trane"):
            parsed_by_training(wrong)
    with pytest.raises(AssertionError):
        make(["no-such-target"])
    with pytest.raises(AssertionError):
        docker(["compose", "--profile", "tpu", "up"])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_settings_that_are_named_exist(path: Path) -> None:
    known = {f"STOICNET_{field.upper()}" for field in Settings.model_fields}
    known |= {"STOICNET_TOKEN"}  # of the evaluation, for a service that wants a key
    named = {name.rstrip("_") for name in re.findall(r"STOICNET_[A-Z0-9_]*", path.read_text())}
    assert named - known - {"STOICNET"} == set()
