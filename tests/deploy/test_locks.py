"""The lock files of the images hold what the project asks for."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
TARGET = {
    "python_version": "3.11",
    "python_full_version": "3.11.9",
    "sys_platform": "linux",
    "platform_machine": "x86_64",
    "os_name": "posix",
    "platform_system": "Linux",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "extra": "",
}


def locked(variant: str) -> dict[str, str]:
    """Pinned versions by name, as the image of this variant installs them."""
    text = (ROOT / "deploy" / "locks" / f"{variant}.txt").read_text()
    entries = [entry for entry in re.split(r"\n(?=[a-z])", text) if "==" in entry]
    versions = {}
    for entry in entries:
        assert "--hash=sha256:" in entry, entry
        requirement = Requirement(entry.partition("\\")[0].partition("--hash")[0].strip())
        if requirement.marker is None or requirement.marker.evaluate(TARGET):
            [pin] = requirement.specifier
            versions[canonicalize_name(requirement.name)] = pin.version
    return versions


def wanted() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = [Requirement(line) for line in project["dependencies"]]
    return [r for r in requirements if r.marker is None or r.marker.evaluate(TARGET)]


@pytest.mark.parametrize("variant", ["cpu", "gpu"])
def test_every_dependency_is_locked_at_a_version_that_will_do(variant: str) -> None:
    versions = locked(variant)
    for requirement in wanted():
        name = canonicalize_name(requirement.name)
        if variant == "cpu" and name == "onnxruntime-gpu":
            assert name not in versions
            name = "onnxruntime"
        assert name in versions, f"{name} is not in the {variant} lock: run `make lock`"
        assert versions[name] in requirement.specifier, f"{name}: run `make lock`"


def test_only_the_gpu_image_brings_cuda() -> None:
    assert not [name for name in locked("cpu") if name.startswith("nvidia-")]
    assert [name for name in locked("gpu") if name.startswith("nvidia-cudnn")]
    assert "torch" not in locked("cpu").keys() | locked("gpu").keys()


def test_the_sbom_and_the_licence_list_name_what_is_locked() -> None:
    bill = json.loads((ROOT / "deploy" / "sbom.cdx.json").read_text())
    listed = {canonicalize_name(part["name"]): part["version"] for part in bill["components"]}
    assert listed == locked("cpu"), "run `make sbom`"
    rows = re.findall(
        r"^\| (\S+) \| (\S+) \| (.+) \|$", (ROOT / "docs" / "licences.md").read_text(), re.MULTILINE
    )
    named = {canonicalize_name(name): version for name, version, _ in rows if name != "package"}
    named.pop("---", None)
    assert named == listed, "run `make sbom`"
    assert all(licence.strip() for _, _, licence in rows)
