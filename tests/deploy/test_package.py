"""The wheel beside other people's code: one name, with everything inside, in nobody's way."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import pytest

import stoicnet
from app.version import to_install
from hatch_build import LEFT_OUT, renamed
from tests.app.conftest import clean_environment, free_port

ROOT = Path(__file__).resolve().parents[2]
ASTRONAUT = ROOT / "docs" / "samples" / "astronaut.jpg"

LIBRARY = """
import sys
from pathlib import Path
import app
assert app.MINE == "not StoicNet's"
from stoicnet import Neutralizer, Options, Settings, StoicNetError
neutralizer = Neutralizer.build(Settings(device="cpu", warm_up=False))
assert list(neutralizer.models) == ["photo"]
result = neutralizer.neutralize(Path(sys.argv[1]).read_bytes(), Options(strength=1.0))
assert result.altered and result.image.shape == (512, 512, 3)
try:
    neutralizer.neutralize(b"Dear sir")
except StoicNetError as error:
    assert error.code == "not_an_image"
else:
    raise AssertionError
try:
    neutralizer.neutralize(Path(sys.argv[1]).read_bytes(), Options(model="classic"))
except StoicNetError as error:
    assert error.code == "model_not_available"
else:
    raise AssertionError
import stoicnet
assert Path(stoicnet.__file__).is_relative_to(sys.prefix), stoicnet.__file__
ours = [name for name in sys.modules if name.split(".")[0] in ("app", "model_training")]
assert ours == ["app"], ours
"""

CLIENT = """
import subprocess, sys, time
from pathlib import Path
import app
from stoicnet import Client, Options, ServiceError
with Client(sys.argv[2], retries=12, longest_wait_s=3) as client:
    info = client.info()
    assert info.models["photo"].licence == "Apache-2.0" == info.meter.licence
    assert "CC BY" in info.models["photo"].training_data
    answer = client.neutralize(Path(sys.argv[1]), Options(strength=0.9))
    assert answer.altered and answer.png.startswith(b"\\x89PNG")
    try:
        client.neutralize(b"Dear sir")
    except ServiceError as error:
        assert error.code == "not_an_image"
    else:
        raise AssertionError
assert app.MINE == "not StoicNet's"
"""


@dataclass(frozen=True)
class Stranger:
    """Somebody else's project, with the wheel in its environment."""

    folder: Path
    bin: Path

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.bin / command[0]), *map(str, command[1:])],
            cwd=self.folder,
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
        )


def build(target: str, folder: Path, **environment: str) -> Path:
    """By the backend of the development environment; without the network."""
    run = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", folder],
        cwd=ROOT,
        env=clean_environment() | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    [made] = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Stranger:
    """The dependencies come from the environment of the tests, whose `.pth` files do not count."""
    folder = tmp_path_factory.mktemp("stranger")
    environment = folder / "venv"
    venv.create(environment)
    binaries = environment / "bin"
    pip = [sys.executable, "-m", "pip", "--python", str(binaries / "python"), "install", "--quiet"]
    run = subprocess.run(
        [*pip, "--no-deps", "--no-index", "--no-compile", str(wheel)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    [site] = environment.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (folder / "app").mkdir()
    (folder / "app" / "__init__.py").write_text('MINE = "not StoicNet\'s"\n')
    (folder / "library.py").write_text(LIBRARY)
    (folder / "client.py").write_text(CLIENT)
    return Stranger(folder, binaries)


@pytest.mark.slow
def test_the_wheel_brings_one_package_and_what_it_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
        [metadata] = [name for name in inside if name.endswith(".dist-info/METADATA")]
        label = message_from_bytes(archive.read(metadata))
    assert {name.split("/")[0] for name in inside} == {"stoicnet", metadata.split("/")[0]}
    for folder in ("app", "onnx_models"):
        there = {
            f"stoicnet/{path.relative_to(ROOT).as_posix()}"
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and not LEFT_OUT & set(path.parts) and path.suffix != ".pyc"
        }
        assert there == {name for name in inside if name.startswith(f"stoicnet/{folder}/")}
    assert label["License-Expression"] == "Apache-2.0"
    assert label["Metadata-Version"] == "2.4", "twine knows no newer"
    assert any(name.endswith("licenses/LICENSE") for name in inside)
    assert not [name for name in inside if "classic" in name], "for research only"


@pytest.mark.slow
def test_two_builds_are_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    assert build("wheel", tmp_path, TZ="Asia/Tokyo").read_bytes() == wheel.read_bytes()


@pytest.mark.slow
def test_the_source_distribution_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    with tarfile.open(build("sdist", made)) as archive:
        archive.extractall(tmp_path, filter="data")
    [source] = tmp_path.glob("stoicnet-*")
    assert not (source / "onnx_models" / "classic").exists()
    run = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel"],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    [again] = (source / "dist").iterdir()
    assert again.read_bytes() == wheel.read_bytes()


@pytest.mark.slow
def test_the_library_beside_another_app(stranger: Stranger) -> None:
    done = stranger.run("python", "library.py", ASTRONAUT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_command_service_and_client_beside_another_app(stranger: Stranger) -> None:
    done = stranger.run("stoicnet", "neutralize", ASTRONAUT, "--out", "neutral")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (stranger.folder / "neutral" / "astronaut.png").read_bytes().startswith(b"\x89PNG")
    verified = stranger.run("python", "-m", "stoicnet", "models", "verify")
    assert verified.returncode == 0, verified.stdout
    assert "classic" not in verified.stdout
    port = str(free_port())
    log = stranger.folder / "log.txt"
    with log.open("wb") as output:
        service = subprocess.Popen(
            [stranger.bin / "stoicnet", "serve", "--port", port],
            cwd=stranger.folder,
            env=clean_environment(device="cpu", warm_up="false"),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        done = stranger.run("python", "client.py", ASTRONAUT, f"http://127.0.0.1:{port}")
    finally:
        service.terminate()
        service.wait(60)
    assert done.returncode == 0, done.stdout + done.stderr + log.read_text()
    assert "model classic is not installed" in log.read_text()


def test_the_checkout_offers_the_same_name() -> None:
    from app.client import Client
    from app.pipeline import Neutralizer

    assert stoicnet.Neutralizer is Neutralizer
    assert stoicnet.Client is Client
    assert all(getattr(stoicnet, name) is not None for name in stoicnet.__all__)
    assert dir(stoicnet) == stoicnet.__all__
    with pytest.raises(AttributeError, match="no attribute 'Neutraliser'"):
        stoicnet.Neutraliser  # noqa: B018


def test_nobody_is_sent_to_an_index_that_does_not_have_it() -> None:
    texts = [ROOT / "README.md", ROOT / "Makefile", *(ROOT / "docs").rglob("*.md")]
    for folder in ("app", "integrations", "stoicnet", "examples"):
        texts += [path for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".md")]
    sent = re.compile(r"pip install\W+(-\S+ )*stoicnet\b")
    assert [str(path) for path in texts if sent.search(path.read_text())] == []
    assert to_install("heic") == "pip install 'pillow-heif>=1.0'"


RENAMED: Mapping[str, str] = {
    "from app.x import y\n": "from stoicnet.app.x import y\n",
    "from app import server\n": "from stoicnet.app import server\n",
    "import app.x as z\n": "import stoicnet.app.x as z\n",
    "if True:\n    from app.x import (\n        y,\n    )\n": (
        "if True:\n    from stoicnet.app.x import (\n        y,\n    )\n"
    ),
    "from apps import y\n": "from apps import y\n",
    "from .app import y\n": "from .app import y\n",
    '"""from app.x import y"""\n': '"""from app.x import y"""\n',
    "import numpy, os\n": "import numpy, os\n",
}


@pytest.mark.parametrize("source", RENAMED)
def test_only_imports_of_the_service_are_renamed(source: str) -> None:
    assert renamed(source, "module.py") == RENAMED[source]


@pytest.mark.parametrize("source", ["import app\n", "import app.x\n", "import os, app.x\n"])
def test_an_import_that_would_bind_another_name_stops_the_build(source: str) -> None:
    with pytest.raises(ValueError, match=r"module.py:1: write `from app import"):
        renamed(source, "module.py")
