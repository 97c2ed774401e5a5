"""Which interpreter and which lock `make` takes, tried without installing anything."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKE = shutil.which("make") or "make"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The Makefile and the locks, without any environment."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "deploy" / "locks", tmp_path / "deploy" / "locks")
    return tmp_path


def interpreters(folder: Path, **versions: str | None) -> str:
    """A PATH with fake interpreters of these versions; None is a shim of one not installed."""
    folder.mkdir()
    for name, version in versions.items():
        # Does what is asked of it by the real interpreter, its version apart.
        script = "echo 'pyenv: command not found' >&2; exit 127"
        if version is not None:
            known = f"import sys; sys.version_info = ({version.replace('.', ', ')}, 0); "
            script = f'exec python3-of-the-tests -c "{known}$2"'
        path = folder / name.replace("_", ".")
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    (folder / "python3-of-the-tests").symlink_to(sys.executable)
    (folder / "sh").symlink_to(shutil.which("sh") or "/bin/sh")
    return str(folder)


def dry_run(checkout: Path, *words: str, path: str | None = None) -> tuple[int, str]:
    environment = dict(os.environ)
    for name in ("PYTHON", "RUNTIME", "MAKEFLAGS", "MAKELEVEL"):
        environment.pop(name, None)
    if path is not None:
        environment["PATH"] = path
    run = subprocess.run(
        [MAKE, "--dry-run", *words],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        ({"python3_11": "3.11", "python3_12": "3.12"}, "python3.11"),
        ({"python3_11": None, "python3_12": "3.12"}, "python3.12"),
        ({"python3_13": "3.13", "python3": "3.14"}, "python3.13"),
        ({"python3_11": None, "python3": "3.12"}, "python3"),
    ],
)
def test_the_first_interpreter_that_runs_and_is_in_range_is_taken(
    checkout: Path, tmp_path: Path, there: dict[str, str | None], taken: str
) -> None:
    code, said = dry_run(checkout, "serve", path=interpreters(tmp_path / "bin", **there))
    assert code == 0, said
    assert f"{taken} -m venv" in said


@pytest.mark.parametrize(
    "there", [{}, {"python3_12": None, "python3": "3.10"}, {"python3": "3.14"}]
)
def test_without_one_the_message_says_what_is_needed(
    checkout: Path, tmp_path: Path, there: dict[str, str | None]
) -> None:
    code, said = dry_run(checkout, "test", path=interpreters(tmp_path / "bin", **there))
    assert code == 2
    assert "Python 3.11, 3.12 or 3.13" in said
    assert "PYTHON=" in said


def test_the_runtime_chooses_the_lock_and_is_remembered(checkout: Path) -> None:
    assert "locks/default.txt" in dry_run(checkout, "serve")[1]
    assert "locks/cpu.txt" in dry_run(checkout, "serve", "RUNTIME=cpu")[1]
    assert "locks/gpu.txt" in dry_run(checkout, "gpu")[1]
    code, said = dry_run(checkout, "serve", "RUNTIME=tpu")
    assert code == 2
    assert "RUNTIME is default, cpu or gpu" in said

    (checkout / ".venv").mkdir()
    (checkout / ".venv" / ".locked-cpu").touch()
    (checkout / ".venv" / ".installed").touch()
    assert "pip install" not in dry_run(checkout, "serve")[1]
    assert "locks/default.txt" in dry_run(checkout, "serve", "RUNTIME=default")[1]


@pytest.mark.parametrize(
    ("environment", "target", "lock"),
    [
        (".venv", "serve", "default"),
        (".venv-dev", "unit", "dev"),
        (".venv-lowest", "test-lowest", "lowest"),
    ],
)
def test_a_changed_lock_installs_anew_and_a_changed_project_itself_alone(
    checkout: Path, environment: str, target: str, lock: str
) -> None:
    folder = checkout / environment
    folder.mkdir()
    stamp = ".locked-default" if environment == ".venv" else ".locked"
    (folder / stamp).touch()
    (folder / ".installed").touch()
    assert "pip install" not in dry_run(checkout, target)[1]

    later = (folder / ".installed").stat().st_mtime + 5
    os.utime(checkout / "pyproject.toml", (later, later))
    said = dry_run(checkout, target)[1]
    assert "--editable ." in said
    assert "venv --clear" not in said

    os.utime(checkout / "deploy" / "locks" / f"{lock}.txt", (later, later))
    said = dry_run(checkout, target)[1]
    assert "venv --clear" in said
    assert f"--require-hashes --no-deps --only-binary :all: -r deploy/locks/{lock}.txt" in said


def test_an_installation_that_was_cut_off_starts_again(checkout: Path) -> None:
    """The real recipe, with an interpreter whose pip fails half-way."""
    python = checkout / "python"
    python.write_text(
        "#!/bin/sh\n"
        '[ "$2" = venv ] || exit 1\n'
        f'mkdir -p .venv/bin && cp "{python}" .venv/bin/python\n'
    )
    python.chmod(0o755)
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / ".locked-cpu").touch()
    (checkout / ".venv" / ".installed").touch()
    run = subprocess.run(
        [MAKE, "serve", "RUNTIME=gpu", f"PYTHON={python}"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert not list((checkout / ".venv").glob(".locked*"))
    assert not (checkout / ".venv" / ".installed").exists()
    assert "locks/gpu.txt" in dry_run(checkout, "serve", "RUNTIME=gpu")[1]
