"""The recogniser that the joint stage asks: read from its file, blind to nothing it should see."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from model_training.classic.recogniser import (
    SIDE,
    Recogniser,
    RecogniserError,
    recogniser_losses,
)
from tests.model_training.classic.drawn_recogniser import DESCRIPTOR, WIDTH, write_recogniser


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory: pytest.TempPathFactory) -> Recogniser:
    return Recogniser(write_recogniser(tmp_path_factory.mktemp("recogniser")))


def _pictures(count: int) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.rand(count, 1, 112, 112) * 2 - 1


def test_maps_halve_and_descriptors_have_length_one(recogniser: Recogniser) -> None:
    maps, descriptors = recogniser.features(_pictures(2))
    shapes = [tuple(m.shape) for m in maps]
    assert shapes == [(2, WIDTH, SIDE // d, SIDE // d) for d in (2, 4, 8, 16)]
    assert descriptors.shape == (2, DESCRIPTOR)
    assert torch.allclose(descriptors.norm(dim=1), torch.ones(2))


def test_grey_is_the_same_as_three_equal_channels(recogniser: Recogniser) -> None:
    grey = _pictures(2)
    _, one = recogniser.features(grey)
    _, three = recogniser.features(grey.expand(-1, 3, -1, -1))
    assert torch.allclose(one, three)


def test_only_the_face_is_looked_at(recogniser: Recogniser) -> None:
    picture = _pictures(1)
    framed = picture.clone()
    framed[..., :5, :] = 1.0
    framed[..., 104:] = -1.0
    assert torch.equal(recogniser.features(picture)[1], recogniser.features(framed)[1])


def test_losses_are_zero_for_equal_pictures_and_train_the_generated_alone(
    recogniser: Recogniser,
) -> None:
    wanted = _pictures(2).requires_grad_()
    same = recogniser_losses(recogniser, wanted, wanted.detach())
    assert [float(v) for v in same] == pytest.approx([0, 0], abs=1e-6)
    found = (wanted.detach() * 0.3).requires_grad_()
    maps, identity = recogniser_losses(recogniser, wanted, found)
    assert float(maps.detach()) > 0
    assert float(identity.detach()) > 0
    (maps + identity).backward()
    assert wanted.grad is None
    assert found.grad is not None
    assert float(found.grad.abs().sum()) > 0
    assert all(weight.grad is None for weight in recogniser.parameters())


def test_it_stays_in_evaluation_mode(recogniser: Recogniser) -> None:
    assert not recogniser.train().training


def test_another_file_is_refused_in_one_line(tmp_path: Path) -> None:
    file = write_recogniser(tmp_path)
    for content in ("no json", "{}", '{"weightsManifest": [], "modelTopology": {"node": []}}'):
        file.write_text(content)
        with pytest.raises(RecogniserError, match=r"is not faceres\.json"):
            Recogniser(file)
    file = write_recogniser(tmp_path)
    (tmp_path / "faceres.bin").write_bytes(b"too short")
    with pytest.raises(RecogniserError, match=r"faceres\.json with its weights"):
        Recogniser(file)
