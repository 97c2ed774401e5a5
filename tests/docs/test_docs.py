"""Every `sh` and `python` block of the guides runs as printed; every link leads somewhere.

Blocks called `text` are for the eye: they start servers, install, or need Docker or a cluster.
`test_commands.py` checks that what they name is there.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from app.options import Options
from app.settings import Settings
from deploy import settings_table
from tests.app.conftest import clean_environment

ROOT = Path(__file__).resolve().parents[2]
GUIDES = [
    "README.md",
    "docs/tutorial.md",
    "docs/http-api.md",
    "docs/id-pipeline.md",
    "docs/library.md",
    "docs/responsible-use.md",
]
_BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)")


def blocks(guide: str) -> list[tuple[str, str]]:
    """Language and code; `make`, which installs and never ends, is for `test_commands.py`."""
    text = re.sub(r"^make .*\n", "", (ROOT / guide).read_text(), flags=re.MULTILINE)
    return [(language, code) for language, code in _BLOCK.findall(text) if code]


def as_installed(folder: Path) -> None:
    """`.venv/bin/stoicnet`, as `make serve` puts it there, for the Python that runs the tests."""
    command = folder / ".venv" / "bin" / "stoicnet"
    command.parent.mkdir(parents=True)
    command.write_text(f"#!{sys.executable}\nfrom stoicnet.__main__ import main\nmain()\n")
    command.chmod(0o755)


@pytest.mark.slow
@pytest.mark.parametrize("guide", GUIDES)
def test_commands_work_as_printed(guide: str, service: httpx.Client, tmp_path: Path) -> None:
    for name in ("docs", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    as_installed(tmp_path)
    python = Path(sys.executable)
    environment = clean_environment(device="cpu") | {
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    found = blocks(guide)
    assert found
    for language, code in found:
        code = code.replace("localhost:8000", service.base_url.netloc.decode())
        command = [str(python), "-c", code] if language == "python" else ["bash", "-ec", code]
        run = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, f"{code}\n{run.stdout}\n{run.stderr}"
    pictures = [*tmp_path.glob("*.png"), *tmp_path.glob("neutral/*.png")]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


def markdown() -> list[Path]:
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("path", markdown(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in _LINK.findall(path.read_text()):
        if "://" not in target and not target.startswith("mailto:"):
            assert (path.parent / target).exists(), f"{target} in {path.name}"


def test_every_error_code_is_documented() -> None:
    from app.main import create_app
    from app.settings import Settings

    answers = create_app(Settings()).openapi()["paths"]["/neutralize"]["post"]["responses"]
    problems = [each["content"] for status, each in answers.items() if status != "200"]
    met = {code for each in problems for code in each["application/problem+json"]["examples"]}
    text = (ROOT / "docs" / "http-api.md").read_text()
    assert len(met) > 20
    assert {code for code in met if f"`{code}`" not in text} == set()


def test_every_error_code_has_its_help() -> None:
    """Those that only the command line meets too."""
    from app import cli, main
    from app.batch import run
    from app.errors import StoicNetError

    assert all((cli, main, run))  # what is loaded has its errors known

    def kinds(kind: type[StoicNetError]) -> set[str]:
        own = {kind.code} if "code" in vars(kind) else set()
        return own.union(*map(kinds, kind.__subclasses__()))

    text = (ROOT / "docs" / "troubleshooting.md").read_text()
    codes = kinds(StoicNetError) - {StoicNetError.code}
    assert len(codes) > 35
    assert {code for code in codes if f"`{code}`" not in text} == set()
    for guide in ("README.md", "docs/http-api.md"):
        assert "troubleshooting.md" in (ROOT / guide).read_text()


def test_paths_that_the_architecture_names_are_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"`((?:app|model_training|tests|deploy|onnx_models)/[\w/.]*)`", text))
    assert len(named) > 25
    assert {path for path in named if not (ROOT / path).exists()} == set()
    packages = {f"app/{path.name}/" for path in (ROOT / "app").iterdir() if path.is_dir()}
    assert packages - {"app/__pycache__/"} <= named, "every package is explained"


PAGE = ROOT / "docs" / "configuration.md"


def test_the_page_is_what_the_settings_say() -> None:
    assert PAGE.read_text() == settings_table.markdown(), (
        "python -m deploy.settings_table > docs/configuration.md"
    )


def test_every_option_is_described() -> None:
    text = (ROOT / "docs" / "http-api.md").read_text()
    assert {name for name in Options.model_fields if f"`{name}`" not in text} == set()


def test_every_setting_is_described() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert f"| `STOICNET_{name.upper()}` |" in settings_table.markdown()
