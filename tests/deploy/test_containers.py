"""Compose file and Dockerfile, checked as far as can be without an engine."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.closing import longest_answer
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE.read_text()))


def schema_faults(path: Path) -> str:
    """What the Compose specification's schema (carried by check-jsonschema) says of a file."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    run = subprocess.run(
        [*command, "vendor.compose-spec", str(path)], capture_output=True, text=True, check=False
    )
    return "" if run.returncode == 0 else run.stdout + run.stderr


@pytest.mark.slow
def test_compose_file_follows_the_specification(tmp_path: Path) -> None:
    assert schema_faults(COMPOSE) == ""
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(COMPOSE.read_text().replace("cap_drop: [ALL]", "cap_drop: ALL"))
    assert "cap_drop" in schema_faults(wrong)


def test_profiles(compose: dict[str, Any]) -> None:
    profiles = {
        profile for service in compose["services"].values() for profile in service["profiles"]
    }
    assert profiles == {"cpu", "gpu", "monitoring", "loadtest"}


def test_what_is_mounted_is_there_and_read_only(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source, _, rest = volume.partition(":")
            if source.startswith("."):
                assert (ROOT / source).exists(), source
                assert rest.endswith(":ro")
            else:
                assert source in compose["volumes"]


def test_images_are_pinned_and_the_service_is_confined(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert ":" in service["image"]
        assert not service["image"].endswith(":latest")
        if name.startswith("stoicnet-"):
            assert service["read_only"]
            assert service["cap_drop"] == ["ALL"]
            grace = float(service["stop_grace_period"].removesuffix("s"))
            assert grace > longest_answer(Settings())


def test_every_setting_reaches_the_container(compose: dict[str, Any]) -> None:
    """`STOICNET_API_KEYS=... docker compose up` and a line in `.env` alike."""
    wanted = {f"STOICNET_{name.upper()}" for name in Settings.model_fields}
    for name, service in compose["services"].items():
        if name.startswith("stoicnet-"):
            environment = service["environment"]
            assert set(environment) == wanted
            # Without a value it is the shell's or the file's, and not there if neither has it.
            assert {key for key, value in environment.items() if value} == {"STOICNET_DEVICE"}
            assert service["env_file"] == [{"path": ".env", "required": False}]


def test_ports_are_this_machines_own_unless_bind_says_otherwise(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for port in service.get("ports", []):
            own = "${BIND:-127.0.0.1}:" if name.startswith("stoicnet-") else "127.0.0.1:"
            assert port.startswith(own), name


def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines()]
    pairs = [line.partition(" ") for line in lines if line and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in pairs]


def test_dockerfile_ends_as_an_ordinary_user_with_a_health_check() -> None:
    steps = instructions()
    last_from = max(i for i, (word, _) in enumerate(steps) if word == "FROM")
    final = dict(steps[last_from:])
    assert final["USER"] == "10001"
    assert "/readyz" in final["HEALTHCHECK"]
    assert '"stoicnet", "serve"' in final["CMD"]
    assert len([word for word, _ in steps if word == "FROM"]) == 2


def test_what_the_dockerfile_copies_is_there_and_sent_to_the_engine(
    compose: dict[str, Any],
) -> None:
    rules = (ROOT / ".dockerignore").read_text().split()
    services = [s for s in compose["services"].values() if "build" in s]
    variants = [service["build"]["args"]["VARIANT"] for service in services]
    assert variants == ["cpu", "gpu"]
    for word, rest in instructions():
        if word != "COPY" or "--from" in rest:
            continue
        for source in rest.split()[:-1]:
            for variant in variants:
                path = source.replace("${VARIANT}", variant)
                assert (ROOT / path).exists(), path
                parents = [path, *map(str, Path(path).parents)]
                assert any(f"!{parent}" in rules for parent in parents), path


def test_hadolint() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    run = subprocess.run(
        [str(hadolint), str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.slow
def test_the_wheel_that_the_image_installs_is_whole(tmp_path: Path) -> None:
    """`pip wheel` as in the Dockerfile: from the copied files alone, by the locked backend."""
    source = tmp_path / "src"
    source.mkdir()
    ignored = shutil.ignore_patterns("__pycache__")
    copied = [rest.split()[:-1] for word, rest in instructions() if word == "COPY"]
    for name in {name for names in copied for name in names if "--from" not in names[0]}:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=ignored)
        elif not name.startswith("deploy/"):
            shutil.copy(path, source / name)
    [wheel_step] = [rest for word, rest in instructions() if word == "RUN" and "pip wheel" in rest]
    assert "--no-build-isolation" in wheel_step
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(tmp_path), str(source)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    assert {"stoicnet/app/web/index.html", "stoicnet/onnx_models/photo/fused.onnx"} <= inside
    assert not [name for name in inside if "classic" in name], "for research only"
    assert not [name for name in inside if name.startswith(("tests/", "docs/"))]
