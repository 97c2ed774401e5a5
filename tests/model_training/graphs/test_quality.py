"""The manifest's quality is what was published, for the models in this repository."""

from pathlib import Path

import pytest

from model_training.graphs.quality import measured_quality
from model_training.runs.manifest import read_manifest

ROOT = Path(__file__).parents[3]
MODELS = read_manifest(ROOT / "onnx_models")["models"]


@pytest.mark.parametrize("model", sorted(MODELS))
def test_manifest_says_what_was_published(model: str) -> None:
    entry = MODELS[model]
    published = measured_quality(ROOT / "docs" / "results", model, entry["version"])
    assert published, f"no results of {model} {entry['version']} in docs/results"
    assert entry["quality"] == published


def test_results_of_other_versions_are_left_out() -> None:
    assert measured_quality(ROOT / "docs" / "results", "photo", "0.0.0") == {}
