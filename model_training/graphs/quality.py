"""Measured quality, from the published results into the manifest: one source for both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from model_training.runs.manifest import model_entry, update_manifest

_FIGURES = {
    "removed": "removed all",
    "verified": "verified",
    "generated_to_true": "to truth",
    "sharpness": "sharpness",
}


def measured_quality(results: Path, model: str, version: str) -> dict[str, dict[str, Any]]:
    """The headline figures of every published result of a model's version, by data set.

    Args:
        results: folder of `MODEL-DATA.json` as `evaluate --publish` writes them.
        model: `photo` or `classic`.
        version: results of other versions are left out.
    """
    quality = {}
    for file in sorted(results.glob(f"{model}-*.json")):
        content = json.loads(file.read_text())
        if content["model"] != model or content["facts"].get("version") != version:
            continue
        system = content["systems"][model]
        values = system["recognisers"]["dlib"]
        quality[content["data"]] = {
            "people": system["people"],
            **{name: values[key]["value"] for name, key in _FIGURES.items() if key in values},
        }
    return quality


def record_quality(models_dir: Path, results: Path, model: str) -> dict[str, dict[str, Any]]:
    """Write `measured_quality` of the model's current version into the manifest."""
    version = model_entry(models_dir, model)["version"]
    quality = measured_quality(results, model, version)
    update_manifest(models_dir, model, quality=quality)
    return quality
