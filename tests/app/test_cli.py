from __future__ import annotations

import io
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PilImage
from typer.testing import CliRunner

from app.cli import cli
from tests.app.conftest import clean_environment, stoicnet
from tests.app.files import encode
from tests.app.toy_graph import write_models


@pytest.fixture
def run(toy_models: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("STOICNET_MODELS_DIR", str(toy_models))
    monkeypatch.setenv("STOICNET_DEVICE", "cpu")
    return CliRunner()


def test_neutralize_writes_one_png_a_photograph(
    run: CliRunner, tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    photos = [tmp_path / "a.jpg", tmp_path / "b" / "a.jpg"]
    photos[1].parent.mkdir()
    for photo in photos:
        photo.write_bytes(encode(astronaut, "JPEG"))
    out = tmp_path / "neutral"
    done = run.invoke(cli, ["neutralize", *map(str, photos), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in out.iterdir()) == ["a-2.png", "a.png"]
    with PilImage.open(out / "a.png") as image:
        assert image.size == (512, 512)


def test_a_bad_photograph_does_not_stop_the_others(
    run: CliRunner, tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    bad, good = tmp_path / "bad.jpg", tmp_path / "good.png"
    bad.write_text("no photograph")
    good.write_bytes(encode(astronaut))
    absent = tmp_path / "absent.jpg"
    done = run.invoke(cli, ["neutralize", str(bad), str(absent), str(good), "--out", str(tmp_path)])
    assert done.exit_code == 1
    assert "not_an_image" in done.output
    assert "absent.jpg" in done.output
    # The photograph itself is never overwritten.
    assert good.read_bytes() == encode(astronaut)
    assert (tmp_path / "good-2.png").exists()
    assert not list(tmp_path.glob("*.tmp"))


def test_info(run: CliRunner) -> None:
    done = run.invoke(cli, ["info"])
    assert done.exit_code == 0
    info = json.loads(done.stdout[done.stdout.index("{") :])
    assert info["models"]["photo"]["version"] == "0.0.1"


def test_a_tampered_model_ends_the_start(
    run: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_models(tmp_path / "models")
    (folder / "photo" / "fused.onnx").write_bytes(b"altered")
    monkeypatch.setenv("STOICNET_MODELS_DIR", str(folder))
    done = run.invoke(cli, ["serve", "--port", "0"])
    assert done.exit_code == 3
    assert "sha256" in done.output


def test_a_setting_that_is_not_valid(run: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOICNET_MAX_PIXELS", "many")
    done = run.invoke(cli, ["info"])
    assert done.exit_code == 3
    assert "max_pixels" in done.output


def test_analyze_prints_a_line_a_photograph(
    run: CliRunner, tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.jpg"):
        (tmp_path / "in" / name).write_bytes(encode(astronaut))
    (tmp_path / "in" / "notes.txt").write_text("not a photograph, and not looked at")
    done = run.invoke(cli, ["analyze", str(tmp_path / "in")])
    assert done.exit_code == 0, done.output
    reports = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [Path(report["file"]).name for report in reports] == ["a.png", "b.jpg"]
    assert reports[0]["faces_found"] == 1
    assert "InterEyeDistance" in reports[0]["faces"][0]["quality"]


def test_models_verify(run: CliRunner, tmp_path: Path) -> None:
    folder = write_models(tmp_path / "models")
    done = run.invoke(cli, ["models", "verify", "--models-dir", str(folder)])
    assert done.exit_code == 0, done.output
    assert "fused.onnx" in done.stdout
    (folder / "photo" / "fused.onnx").write_bytes(b"altered")
    done = run.invoke(cli, ["models", "verify", "--models-dir", str(folder)])
    assert done.exit_code == 1
    assert "BAD" in done.stdout
    assert run.invoke(cli, ["models", "verify", "--models-dir", str(tmp_path)]).exit_code == 3


def test_a_file_of_keys_that_is_empty_ends_the_start(
    run: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keys").write_text("# none yet\n")
    monkeypatch.setenv("STOICNET_API_KEYS_FILE", str(tmp_path / "keys"))
    done = run.invoke(cli, ["serve", "--port", "0"])
    assert done.exit_code == 3
    assert "holds no key" in done.output


def test_version(run: CliRunner) -> None:
    done = run.invoke(cli, ["--version"])
    assert done.exit_code == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", done.output)


def test_wrong_usage_is_said_at_once(
    run: CliRunner, tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    photos, empty, file = tmp_path / "photos", tmp_path / "empty", tmp_path / "file"
    for folder in (photos, empty):
        folder.mkdir()
    for name in ("a.png", "b.png"):
        (photos / name).write_bytes(encode(astronaut))
    file.write_text("not a folder")
    out = str(tmp_path / "out")
    for arguments, said in (
        ([str(empty), "--out", out], "no photographs in"),
        ([str(photos), "--out", str(file)], "cannot be made a folder"),
        ([str(photos), "--out", out, "--model", "classic"], "classic is not installed"),
        ([str(photos), "--out", out, "--faces", "all", "--output", "face"], "do not go together"),
        ([str(photos), "--out", out, "--strength", "2"], "strength"),
    ):
        done = run.invoke(cli, ["neutralize", *arguments], env={"COLUMNS": "200"})
        assert done.exit_code == 2, done.output
        assert done.output.count(said) == 1, done.output
    assert run.invoke(cli, ["analyze", str(empty)]).exit_code == 2


def test_nothing_is_overwritten_unless_forced(
    run: CliRunner, tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    photo, out = tmp_path / "a.jpg", tmp_path / "neutral"
    photo.write_bytes(encode(astronaut, "JPEG"))
    command = ["neutralize", str(photo), "--out", str(out)]
    assert run.invoke(cli, command).exit_code == 0
    (out / "a.png").write_bytes(b"mine")
    again = run.invoke(cli, command)
    assert again.exit_code == 1
    assert "--force" in again.output
    assert (out / "a.png").read_bytes() == b"mine"
    assert run.invoke(cli, [*command, "--force"]).exit_code == 0
    assert (out / "a.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in out.iterdir()] == ["a.png"]


def test_a_files_name_is_a_file(
    run: CliRunner, tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    photo = tmp_path / "a.png"
    photo.write_bytes(encode(astronaut))
    for name, kind in (
        ("res.png", "PNG"),
        ("res.jpg", "JPEG"),
        ("res.JPEG", "JPEG"),
        ("r.webp", "WEBP"),
    ):
        done = run.invoke(cli, ["neutralize", str(photo), "--out", str(tmp_path / name)])
        assert done.exit_code == 0, done.output
        with PilImage.open(tmp_path / name) as image:
            assert image.format == kind
    small = ["--out", str(tmp_path / "small.jpg"), "--max-bytes", "20000", "--quality", "90"]
    assert run.invoke(cli, ["neutralize", str(photo), *small]).exit_code == 0
    assert (tmp_path / "small.jpg").stat().st_size <= 20_000
    folder = ["--out", str(tmp_path / "out"), "--format", "webp", "--level", "--face", "1"]
    assert run.invoke(cli, ["neutralize", str(photo), *folder]).exit_code == 0
    assert (tmp_path / "out" / "a.webp").exists()
    for wrong in (
        [str(photo), "--out", str(tmp_path / "x.png"), "--format", "jpeg"],
        [str(photo), "--out", str(tmp_path / "x.png"), "--quality", "80"],
        [str(photo), str(photo), "--out", str(tmp_path / "x.png")],
        [str(photo), "--out", str(tmp_path / "x.png"), "--face", "nose"],
        [str(photo), "--out", str(tmp_path / "x.png"), "--regions", "nose"],
        [str(photo), "--out", str(tmp_path / "x.png"), "--regions", "mouth"],  # no toy has one
    ):
        assert run.invoke(cli, ["neutralize", *wrong]).exit_code == 2
        assert not (tmp_path / "x.png").exists()


def test_standard_input_and_output(toy_models: Path, astronaut: NDArray[np.uint8]) -> None:
    environment = clean_environment(models_dir=str(toy_models), device="cpu")
    done = subprocess.run(
        stoicnet("neutralize", "-", "--out", "-", "--format", "jpeg", "--json"),
        input=encode(astronaut),
        capture_output=True,
        env=environment,
        check=True,
    )
    with PilImage.open(io.BytesIO(done.stdout)) as image:
        assert image.format == "JPEG"
        assert image.size == (512, 512)
    [line] = done.stderr.decode().splitlines()
    report = json.loads(line)
    assert (report["file"], report["out"], report["altered"]) == ("-", "-", True)
    assert "png_base64" not in report


def test_quiet_unless_asked(run: CliRunner, tmp_path: Path, astronaut: NDArray[np.uint8]) -> None:
    photo = tmp_path / "a.png"
    photo.write_bytes(encode(astronaut))
    bad = tmp_path / "b.png"
    bad.write_text("no photograph")
    out = str(tmp_path / "out")
    done = run.invoke(cli, ["neutralize", str(photo), str(bad), "--out", out, "--json"])
    assert done.exit_code == 1
    [report] = [json.loads(line) for line in done.stdout.splitlines()]
    assert report["file"] == str(photo)
    [failure] = [json.loads(line) for line in done.stderr.splitlines()]
    assert failure["code"] == "not_an_image"
    verbose = run.invoke(cli, ["neutralize", str(photo), "--out", out, "--force", "--verbose"])
    assert "runs on CPUExecutionProvider" in verbose.stderr
