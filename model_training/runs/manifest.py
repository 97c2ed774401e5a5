"""`onnx_models/manifest.json`: what each exported file is, so that the service can check it.

    {"schema": 1, "models": {"photo": {"version": "1.0.0", "crop_sizes": [256, 512],
     "files": {"fused.onnx": {"sha256": "...", "bytes": 123}}, "quality": {"removed": 0.9}}}}

File names are relative to the model's folder, `onnx_models/MODEL/`. The service refuses a file
whose hash differs from the one written here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from model_training.errors import InputError
from model_training.runs.atomic import write_json

SCHEMA = 1
NAME = "manifest.json"


class ManifestError(InputError):
    """The manifest on disk is not one of this schema."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def read_manifest(models_dir: Path) -> dict[str, Any]:
    """The manifest of `models_dir`; an empty one if there is none yet.

    Raises:
        ManifestError: the file is not JSON, or of another schema.
    """
    path = models_dir / NAME
    if not path.exists():
        return {"schema": SCHEMA, "models": {}}
    try:
        manifest = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ManifestError(f"{path} is not JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        raise ManifestError(f"{path} is not a manifest of schema {SCHEMA}")
    return manifest


def model_entry(models_dir: Path, name: str) -> dict[str, Any]:
    """What the manifest of `models_dir` says about a model.

    Raises:
        ManifestError: nothing, or it is not of this schema.
    """
    models: dict[str, dict[str, Any]] = read_manifest(models_dir)["models"]
    if name not in models:
        raise ManifestError(f"{models_dir} has no model {name!r}: {', '.join(models) or 'none'}")
    return models[name]


def update_manifest(
    models_dir: Path,
    model: str,
    files: Iterable[str | Path] = (),
    *,
    version: str | None = None,
    crop_sizes: Iterable[int] | None = None,
    quality: Mapping[str, Any] | None = None,
    prune: bool = True,
    clear_quality: bool = False,
) -> dict[str, Any]:
    """Merge what is given into the manifest and write it, atomically.

    Args:
        models_dir: the folder that holds `manifest.json` and `MODEL/`.
        model: `photo` or `classic`; other models' entries stay as they are.
        files: names in `models_dir/model/` (or paths there) to hash and record.
        version: the model's version, kept as it was when None.
        crop_sizes: crop sides in pixels that `fused.onnx` takes.
        quality: measured figures, merged over those already there.
        prune: drop entries of files that are no longer on disk.
        clear_quality: forget the figures already there first.

    Returns:
        The model's new entry.

    Raises:
        FileNotFoundError: a file to record does not exist.
        ManifestError: the manifest on disk cannot be merged into.
    """
    manifest = read_manifest(models_dir)
    folder = models_dir / model
    entry: dict[str, Any] = manifest["models"].setdefault(
        model, {"version": "0.0.0", "crop_sizes": [], "files": {}, "quality": {}}
    )
    if version is not None:
        entry["version"] = version
    if crop_sizes is not None:
        entry["crop_sizes"] = [int(size) for size in crop_sizes]
    for file in files:
        path = folder / Path(file).name
        entry["files"][path.name] = {"sha256": sha256_of(path), "bytes": path.stat().st_size}
    if prune:
        entry["files"] = {n: f for n, f in entry["files"].items() if (folder / n).exists()}
    entry["files"] = dict(sorted(entry["files"].items()))
    if clear_quality:
        entry["quality"] = {}
    entry["quality"].update(quality or {})
    write_json(manifest, models_dir / NAME)
    return entry
