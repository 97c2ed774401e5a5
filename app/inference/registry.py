"""The models that are there: read from manifest.json, checked by hash, loaded into sessions."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.errors import ModelFileError
from app.inference.batcher import MicroBatcher
from app.inference.providers import CPU
from app.inference.runtime import RuntimeOptions
from app.inference.session import NeutralizerSession
from app.inference.threads import InFlight

log = logging.getLogger(__name__)

FUSED = "fused.onnx"
DEAD_AFTER = 3
"""Failed runs of a model in a row that count as a dead model."""


class FileEntry(BaseModel):
    """One file of a model."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=1)


class ModelEntry(BaseModel):
    """One model: its version, the crop sides it takes, its files and measured quality."""

    version: str
    crop_sizes: tuple[int, ...] = Field(min_length=1)
    files: dict[str, FileEntry]
    quality: dict[str, Any] = Field(default_factory=dict)


class MeterEntry(BaseModel):
    """The meter: its version, the crop side it takes, its file."""

    version: str
    crop_size: int = Field(ge=16, le=1024)
    files: dict[str, FileEntry]


class Manifest(BaseModel):
    """`onnx_models/manifest.json`."""

    model_config = ConfigDict(populate_by_name=True)

    schema_version: Literal[1] = Field(alias="schema")
    models: dict[str, ModelEntry]
    meter: MeterEntry | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model.

    Attributes:
        name: `photo` or `classic`.
        version: from the manifest.
        crop_sizes: the crop sides S it takes, ascending.
        sha256: of the fused graph.
        session: what runs it.
        batcher: joins the crops of several requests into runs of the session.
        quality: measured quality, from the manifest.
    """

    name: str
    version: str
    crop_sizes: tuple[int, ...]
    sha256: str
    session: NeutralizerSession
    batcher: MicroBatcher
    quality: Mapping[str, Any]

    @property
    def licence(self) -> str:
        """What its file says of its licence."""
        return str(self.session.metadata.get("licence", "not said"))

    @property
    def dead(self) -> bool:
        """Whether its last runs all failed: a lost GPU does not come back by itself."""
        return self.batcher.failures >= DEAD_AFTER

    def neutralize(
        self, crop: NDArray[np.uint8], strength: float, regions: Collection[str] = ()
    ) -> NDArray[np.uint8]:
        """One crop, uint8 [S, S, 3], to its neutral form.

        Args:
            crop: the crop.
            strength: 0 leaves the expression, 1 removes it.
            regions: those of `session.regions` that change; empty is all of them.

        Raises:
            InferenceError: the runtime failed.
        """
        amounts = tuple(float(not regions or name in regions) for name in self.session.regions)
        return self.batcher.submit(crop, strength, amounts)

    def warm_up(self) -> None:
        """Run once at every crop size, so that no request pays for first-time work."""
        for size in self.crop_sizes:
            self.neutralize(np.full((size, size, 3), 127, np.uint8), 1.0)


def read_manifest(models_dir: Path) -> Manifest:
    """Read and check the manifest.

    Raises:
        ModelFileError: it is missing, or not a manifest.
    """
    path = models_dir / "manifest.json"
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ModelFileError(
            f"No models: {path} cannot be read ({error.strerror}). STOICNET_MODELS_DIR names the "
            "folder that holds manifest.json."
        ) from error
    except ValidationError as error:
        raise ModelFileError(f"{path} is not a manifest: {error}") from error


def checked_bytes(path: Path, sha256: str, hint: str = "") -> bytes:
    """A model file's bytes, if they are the ones that are expected.

    Args:
        path: the file.
        sha256: of what it should hold.
        hint: where it is to be had, for the message when it is missing.

    Raises:
        ModelFileError: missing, or different.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}. {hint}".strip()) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ModelFileError(
            f"{path} is not the file that is expected (sha256 {found[:12]}..., expected "
            f"{sha256[:12]}...). It was altered or only partly copied; it is not loaded."
        )
    return data


def installed(models_dir: Path, manifest: Manifest) -> dict[str, ModelEntry]:
    """The models of the manifest that are there: a model comes with its whole folder or not at all.

    The wheel and the images leave out what is under another licence (hatch_build.py).
    """
    return {name: entry for name, entry in manifest.models.items() if (models_dir / name).is_dir()}


def listed_files(models_dir: Path) -> dict[Path, FileEntry]:
    """Every file that the manifest lists of the models that are installed, the meter's too.

    Raises:
        ModelFileError: there is no manifest.
    """
    manifest = read_manifest(models_dir)
    groups = {name: entry.files for name, entry in installed(models_dir, manifest).items()}
    if manifest.meter is not None:
        groups["meter"] = manifest.meter.files
    return {
        models_dir / name / file: entry
        for name, files in groups.items()
        for file, entry in files.items()
    }


def load_models(
    models_dir: Path,
    options: RuntimeOptions,
    max_batch: int = 8,
    batch_delay_s: float = 0.0,
    workers: int = 1,
    in_flight: InFlight | None = None,
) -> dict[str, Model]:
    """Load every installed model of the manifest, after checking every file it lists.

    Args:
        models_dir: the folder of manifest.json.
        options: how ONNX Runtime runs them.
        max_batch, batch_delay_s: see `MicroBatcher`.
        workers: threads that submit crops. On the CPU a batch costs as much as its crops one by
            one, so they run side by side there, unless a delay asks for batches.
        in_flight: on the CPU, runs take one thread while it is not alone.

    Raises:
        ModelFileError: a file is missing, differs, or is not a graph of the contract.
        DeviceUnavailableError: CUDA was demanded and did not come up, or leaves nodes that touch
            pixels to the CPU.
    """
    models: dict[str, Model] = {}
    manifest = read_manifest(models_dir)
    entries = installed(models_dir, manifest)
    for name in manifest.models.keys() - entries.keys():
        log.info("model %s is not installed: %s has no folder of it", name, models_dir)
    for name, entry in entries.items():
        if FUSED not in entry.files:
            raise ModelFileError(f"The model {name} lists no {FUSED} in manifest.json.")
        for file, expected in entry.files.items():
            if file != FUSED:
                checked_bytes(models_dir / name / file, expected.sha256)
        # The session gets the very bytes that were checked.
        graph = checked_bytes(models_dir / name / FUSED, entry.files[FUSED].sha256)
        session = NeutralizerSession(graph, name, options, in_flight, min(entry.crop_sizes))
        side_by_side = session.provider == CPU and not batch_delay_s
        most, parallel = (1, workers) if side_by_side else (max_batch, 1)
        models[name] = Model(
            name=name,
            version=entry.version,
            crop_sizes=tuple(sorted(entry.crop_sizes)),
            sha256=entry.files[FUSED].sha256,
            session=session,
            batcher=MicroBatcher(session.run, most, batch_delay_s, parallel),
            quality=entry.quality,
        )
        log.info("model %s %s, licence: %s", name, entry.version, models[name].licence)
    if not models:
        raise ModelFileError(
            f"{models_dir / 'manifest.json'} lists no models of which there is a folder beside it."
        )
    return models
