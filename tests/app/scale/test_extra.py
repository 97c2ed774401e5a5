"""Without the extra `scale`: messages that say what to install."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import cli


@pytest.mark.parametrize(
    ("package", "command"),
    [
        ("ray", ["serve", "--engine", "ray"]),
        ("ray", ["batch", "IN", "OUT", "--engine", "ray"]),
        ("fsspec", ["batch", "IN", "OUT"]),
        ("pyarrow", ["batch", "IN", "OUT"]),
    ],
)
def test_what_is_missing_is_named(
    package: str,
    command: list[str],
    toy_models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(b"-")
    places = {"IN": str(tmp_path / "in"), "OUT": str(tmp_path / "out")}
    monkeypatch.setenv("STOICNET_MODELS_DIR", str(toy_models))
    monkeypatch.setenv("STOICNET_DEVICE", "cpu")
    # How Python says that a package is not there.
    for name in [n for n in sys.modules if n == package or n.startswith(f"{package}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    done = CliRunner().invoke(cli, [places.get(word, word) for word in command])
    assert done.exit_code == 3, done.output
    assert f"the package {package}, which is not installed" in done.output
    assert "pip install 'fsspec" in done.output
    assert "'ray[data,serve]" in done.output
