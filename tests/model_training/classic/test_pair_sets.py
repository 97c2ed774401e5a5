"""Pair folders of every layout, people held out, and the order of batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from model_training.classic.image_batches import ImageBatches
from model_training.classic.networks.pixels import to_image, to_network
from model_training.classic.pair_sets import (
    hold_out,
    london_pairs,
    open_aligned_files,
    open_pair_store,
    pair_file_images,
)
from model_training.portraits.image_sets import EmptyImageSetError, london_images
from model_training.portraits.split import hashed_into_validation
from tests.model_training.drawn_faces import draw_face, save


def make_store(folder: Path, labels: str | None) -> np.ndarray:
    pairs = np.random.default_rng(0).integers(0, 256, (4, 2, 8, 8, 3), dtype=np.uint8)
    folder.mkdir()
    np.save(folder / "pairs.npy", pairs)
    if labels is not None:
        (folder / "labels.csv").write_text(labels)
    return pairs


def test_store_with_labels_takes_target_first_and_people_by_name(tmp_path: Path) -> None:
    lines = "index,source,person\n0,london/a.jpg,ann\n2,london/a.jpg,ann\n3,london/b.jpg,bo\n"
    pairs = make_store(tmp_path / "p", lines)
    found = open_pair_store(tmp_path / "p")
    assert found.people == ("ann", "ann", "bo")
    assert np.array_equal(found.images[found.target], pairs[[0, 2, 3], 0])
    assert np.array_equal(found.images[found.source], pairs[[0, 2, 3], 1])
    assert found.held_out.any()
    assert not found.held_out.all()


def test_store_labels_may_name_the_photograph_or_be_absent(tmp_path: Path) -> None:
    make_store(
        tmp_path / "a", "photo\nlfw/Ann_Lee/1.jpg\nlfw/Ann_Lee/2.jpg\nlondon/neutral/7.jpg\n"
    )
    assert open_pair_store(tmp_path / "a").people == ("Ann_Lee", "Ann_Lee", "7")
    make_store(tmp_path / "b", None)
    assert len(set(open_pair_store(tmp_path / "b").people)) == 4


def test_wrong_stores_are_refused(tmp_path: Path) -> None:
    make_store(tmp_path / "a", "index,person\n9,ann\n")
    with pytest.raises(ValueError, match="does not hold"):
        open_pair_store(tmp_path / "a")
    make_store(tmp_path / "b", "colour\nred\n")
    with pytest.raises(ValueError, match="person"):
        open_pair_store(tmp_path / "b")
    np.save(tmp_path / "pairs.npy", np.zeros((2, 8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match="shape"):
        open_pair_store(tmp_path)


def test_plain_folders(tmp_path: Path) -> None:
    for name in ("ann__smiling", "ann__angry", "bo__smiling"):
        for kind in ("source", "target"):
            save(draw_face(1, 1.0)[:96, :96], tmp_path / "a" / kind / f"{name}.png")
    save(draw_face(1, 1.0), tmp_path / "a" / "source" / "alone.png")
    found = open_aligned_files(tmp_path / "a", 32)
    assert found.people == ("ann", "ann", "bo")
    assert found.images.shape == (6, 32, 32, 3)
    (tmp_path / "a" / "pairs.csv").write_text(
        "source,target,person\nsource/ann__smiling.png,target/bo__smiling.png,x\n"
        "source/ann__angry.png,target/bo__smiling.png,x\n"
    )
    listed = pair_file_images(tmp_path / "a")
    assert listed[0][1] == listed[1][1]
    assert open_aligned_files(tmp_path / "a", 32).images.shape[0] == 3
    with pytest.raises(EmptyImageSetError, match=r"pairs\.npy"):
        open_aligned_files(tmp_path, 32)
    save(draw_face(1, 0)[:90], tmp_path / "b" / "source" / "x.png")
    save(draw_face(1, 0)[:90], tmp_path / "b" / "target" / "x.png")
    with pytest.raises(ValueError, match="not an aligned crop"):
        open_aligned_files(tmp_path / "b", 32)


def test_somebody_is_held_out_and_somebody_is_left() -> None:
    hashed = next(f"p{i}" for i in range(100) if hashed_into_validation(f"p{i}"))
    other = [f"q{i}" for i in range(100) if not hashed_into_validation(f"q{i}")]
    assert hold_out([other[0], hashed, other[1]]).tolist() == [False, True, False]
    few = hold_out(other[:40])
    assert few.sum() == 3
    assert hold_out([other[0], other[1]]).sum() == 1


def test_london_pairs_join_a_persons_two_photographs(tmp_path: Path) -> None:
    for kind, person in (("neutral", 1), ("smiling", 1), ("smiling", 2)):
        save(draw_face(person, 0), tmp_path / kind / f"{person:03d}.jpg")
    pairs = london_pairs(london_images(tmp_path))
    assert [(s.key, t.key) for s, t in pairs] == [
        ("london/smiling/001.jpg", "london/neutral/001.jpg")
    ]


def test_batches_depend_on_seed_and_step_alone() -> None:
    crops = np.arange(10, dtype=np.uint8).repeat(4 * 4 * 3).reshape(10, 4, 4, 3) * 20
    rows = np.array([0, 1, 2, 3, 5, 7, 9])

    def batches(seed: int, flip: bool = False) -> ImageBatches:
        return ImageBatches(crops, rows, 3, 1, seed=seed, flip=flip)

    first = batches(1)
    assert first.steps_per_epoch == 2
    in_order = [first.at(step) for step in range(5)]
    jumping = batches(1)
    for step in (4, 0, 3):
        assert torch.equal(jumping.at(step), in_order[step])
    assert not torch.equal(torch.cat(in_order[:2]), torch.cat(in_order[2:4]))
    seen = to_image(torch.cat(in_order[:2]))[:, 0, 0, 0].tolist()
    assert len(set(seen)) == 6
    assert set(seen) <= {int(r) * 20 for r in rows}
    assert ImageBatches(crops, rows[:2], 32, 1, seed=0).at(0).shape == (2, 1, 4, 4)
    with pytest.raises(ValueError, match="no image"):
        ImageBatches(crops, rows[:0], 3, 1, seed=0)


def test_flip_mirrors_whole_images() -> None:
    crops = np.zeros((16, 4, 4, 3), np.uint8)
    crops[:, :, 0] = 255
    batch = ImageBatches(crops, np.arange(16), 16, 1, seed=0, flip=True).at(0)
    left = (batch[:, 0, :, 0] > 0).all(1)
    right = (batch[:, 0, :, 3] > 0).all(1)
    assert torch.equal(left, ~right)
    assert 0 < int(left.sum()) < 16


def test_pixels_go_to_the_network_and_back() -> None:
    image = torch.randint(0, 256, (2, 4, 4, 3), dtype=torch.uint8)
    assert torch.equal(to_image(to_network(image, 3)), image)
    red = torch.zeros(1, 1, 1, 3, dtype=torch.uint8)
    red[..., 0] = 200
    assert to_network(red, 1).item() == pytest.approx(0.299 * 200 / 127.5 - 1)
    assert to_image(to_network(red, 1)).flatten().tolist() == [60, 60, 60]
