"""Whether outputs can be told from photographs, and neutral faces, through the real service."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from app.pipeline import Neutralizer
from app.settings import Settings
from model_training.evaluation.cases import ArrayPicture, Case
from model_training.evaluation.outputs import (
    SIDE,
    Seen,
    judged_sheet,
    look,
    lower_face,
    neutral_changes,
    realism,
)
from model_training.synthesis.realism import Mouths
from tests.app.toy_graph import write_models


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Neutralizer:
    """The pipeline around the toy graph, which brightens the lower half of a crop."""
    models = write_models(tmp_path_factory.mktemp("models"))
    return Neutralizer.build(Settings(models_dir=models, device="cpu", warm_up=False))


def case(person: str, photo: NDArray[np.uint8]) -> Case:
    both = np.stack([photo, photo])
    return Case(person, person, ArrayPicture(both, (1,), "e"), ArrayPicture(both, (0,), "n"))


def test_faces_are_looked_at_as_the_service_returns_them(service: Neutralizer) -> None:
    astronaut, coffee = np.asarray(data.astronaut(), np.uint8), np.asarray(data.coffee(), np.uint8)
    seen = look(service, [case("a", astronaut), case("coffee", coffee)])
    assert seen.outputs.people == ["a"]  # the other shows no face
    assert seen.outputs.images.shape == (1, SIDE, SIDE, 3)
    assert np.array_equal(seen.calm.images, seen.inputs.images)
    assert seen.outputs.images.mean() > seen.inputs.images.mean() + 5
    changes = neutral_changes(service, [case("a", astronaut).expressive])
    assert changes.shape == (1,)
    assert changes[0] > 1
    with pytest.raises(ValueError, match="refused every case"):
        look(service, [case("coffee", coffee)])


def test_the_lower_face_is_the_lower_face() -> None:
    crop = np.zeros((256, 256, 3), np.uint8)
    crop[144:] = 255  # just under the nose
    face = lower_face(crop)
    assert face[0].max() == 0
    assert face[-1].min() == 255


def faces(seed: int, shift: int) -> Mouths:
    rng = np.random.default_rng(seed)
    images = rng.integers(60, 180, (48, SIDE, SIDE, 3), dtype=np.uint8) + np.uint8(shift)
    return Mouths(images, [f"person-{n}" for n in range(48)])


@pytest.mark.slow
def test_a_difference_is_told_and_none_is_not() -> None:
    seen = Seen(calm=faces(0, 0), outputs=faces(1, 0), inputs=faces(2, 60))
    found, judgement = realism(seen, seeds=2)
    assert min(found["inputs"]) > 0.9
    assert abs(np.mean(found["outputs"]) - 0.5) < 0.3
    tested = len(judgement.synthetic)
    assert 4 < tested < 24
    assert np.array_equal(judgement.real_rows, judgement.synthetic_rows)  # the same people
    sheet = judged_sheet(seen, judgement, across=2)
    assert sheet.shape == (tested // 2 * 2 * SIDE, 2 * SIDE, 3)
    surest = judgement.synthetic_rows[np.argmin(judgement.synthetic)]
    assert np.array_equal(sheet[:SIDE, :SIDE], seen.outputs.images[surest])
