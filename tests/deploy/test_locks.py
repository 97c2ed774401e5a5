"""The lock files hold what the project asks for, at versions that go together."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "deploy" / "locks"
PYTHONS = ("3.11", "3.12", "3.13")
SERVING = ("default", "cpu", "gpu")


def target(python: str) -> dict[str, str]:
    """The markers of Linux on x86-64."""
    return {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": "linux",
        "platform_machine": "x86_64",
        "os_name": "posix",
        "platform_system": "Linux",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }


def locked(lock: str, python: str = "3.11") -> dict[str, str]:
    """Pinned versions by name, as installed from this lock."""
    text = (LOCKS / f"{lock}.txt").read_text()
    entries = [entry for entry in re.split(r"\n(?=[a-z])", text) if "==" in entry]
    versions = {}
    for entry in entries:
        assert "--hash=sha256:" in entry, entry
        requirement = Requirement(entry.partition("\\")[0].partition("--hash")[0].strip())
        if requirement.marker is None or requirement.marker.evaluate(target(python)):
            [pin] = requirement.specifier
            name = canonicalize_name(requirement.name)
            assert name not in versions, f"{name} twice for Python {python}"
            versions[name] = pin.version
    return versions


def project() -> dict[str, Any]:
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"])


def wanted(*extras: str) -> list[Requirement]:
    """What the project asks for, with these extras."""
    lines = list(project()["dependencies"])
    for extra in extras:
        lines += project()["optional-dependencies"][extra]
    requirements = [Requirement(line) for line in lines]
    return [r for r in requirements if r.marker is None or r.marker.evaluate(target("3.11"))]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", SERVING)
def test_every_dependency_is_locked_at_a_version_that_will_do(lock: str, python: str) -> None:
    versions = locked(lock, python)
    for requirement in wanted():
        name = canonicalize_name(requirement.name)
        if lock == "cpu" and name == "onnxruntime-gpu":
            assert name not in versions
            name = "onnxruntime"
        assert name in versions, f"{name} is not in {lock}.txt: run `make lock`"
        assert versions[name] in requirement.specifier, f"{name}: run `make lock`"


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", ["dev", "lowest"])
def test_development_is_locked_but_for_pytorch(lock: str, python: str) -> None:
    versions = locked(lock, python)
    for requirement in wanted("train", "dev"):
        name = canonicalize_name(requirement.name)
        if name == "torch":
            assert str(requirement) in (LOCKS / "torch.txt").read_text().splitlines()
            continue
        assert name in versions, f"{name} is not in {lock}.txt: run `make lock`"
        assert versions[name] in requirement.specifier, f"{name}: run `make lock`"
    # What PyTorch itself needs, but for what its CUDA build alone does.
    assert {"filelock", "fsspec", "jinja2", "networkx", "sympy"} <= versions.keys()
    assert not [n for n in versions if re.match(r"nvidia-|cuda-|triton|torch$", n)]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", [*SERVING, "build"])
def test_what_is_served_is_what_is_tested(lock: str, python: str) -> None:
    tested = locked("dev", python)
    other = {
        name: version
        for name, version in locked(lock, python).items()
        if tested.get(name, version) != version
    }
    assert other == {}, "run `make lock`"
    apart = locked(lock, python).keys() - tested.keys()
    assert all(name == "onnxruntime" or name.startswith("nvidia-") for name in apart), apart


def test_the_lowest_lock_is_at_the_lower_bounds() -> None:
    """Where a bound is no release, or another package asks for more, the lock may be above it."""
    versions = locked("lowest")
    above = {}
    for requirement in wanted("train", "dev"):
        name = canonicalize_name(requirement.name)
        bounds = [s.version for s in requirement.specifier if s.operator in (">=", "==")]
        assert len(bounds) == 1, f"{requirement} needs one lower bound"
        if name != "torch" and Version(versions[name]) != Version(bounds[0]):
            above[name] = versions[name]
    assert above == {}, "raise these bounds in pyproject.toml to what is tried, or `make lock`"


def test_the_build_backend_is_locked() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    for requirement in map(Requirement, build):
        for lock in ("build", "dev", "lowest"):
            assert locked(lock)[canonicalize_name(requirement.name)] in requirement.specifier


def test_every_python_that_is_promised_is_locked_and_looked_for() -> None:
    marked = [
        line.removeprefix("Programming Language :: Python :: ")
        for line in project()["classifiers"]
        if line.startswith("Programming Language :: Python :: ")
    ]
    assert marked == list(PYTHONS)
    assert all(version in SpecifierSet(project()["requires-python"]) for version in PYTHONS)
    makefile = (ROOT / "Makefile").read_text()
    assert f"for python in {' '.join(f'python{v}' for v in PYTHONS)} python3;" in makefile


def test_only_the_gpu_image_brings_cuda() -> None:
    assert not [name for name in locked("cpu") if name.startswith("nvidia-")]
    assert [name for name in locked("gpu") if name.startswith("nvidia-cudnn")]
    assert not [name for name in locked("default") if name.startswith("nvidia-")]
    assert not [lock for lock in SERVING if "torch" in locked(lock)]


def test_the_sbom_and_the_licence_list_name_what_is_locked() -> None:
    bill = json.loads((ROOT / "deploy" / "sbom.cdx.json").read_text())
    listed = {canonicalize_name(part["name"]): part["version"] for part in bill["components"]}
    models = [part for part in bill["components"] if part["type"] == "machine-learning-model"]
    packages = listed.keys() - {canonicalize_name(model["name"]) for model in models}
    assert {name: listed[name] for name in packages} == locked("cpu"), "run `make sbom`"
    assert {model["licenses"][0]["license"]["id"] for model in models} == {"Apache-2.0"}
    manifest = json.loads((ROOT / "onnx_models" / "manifest.json").read_text())
    shipped = [manifest["meter"]["files"], manifest["models"]["photo"]["files"]]
    assert {model["hashes"][0]["content"] for model in models} == {
        file["sha256"] for files in shipped for file in files.values()
    }, "run `make sbom`"
    rows = re.findall(
        r"^\| (\S+) \| (\S+) \| (.+) \|$", (ROOT / "docs" / "licences.md").read_text(), re.MULTILINE
    )
    named = {canonicalize_name(name): version for name, version, _ in rows if name != "package"}
    named.pop("---", None)
    assert named == listed, "run `make sbom`"
    assert all(licence.strip() for _, _, licence in rows)
