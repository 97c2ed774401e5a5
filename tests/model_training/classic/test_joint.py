"""The joint stage: pairs drawn by set, masked at the border; one command from files to files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from model_training.classic.joint import face_emphasis
from model_training.classic.joint_pairs import PairBatches
from model_training.classic.pair_sets import PairSet
from model_training.classic.train import load_result
from model_training.runs.checkpoint import load_checkpoint
from model_training.runs.log import read_rows
from tests.model_training.classic.drawn_recogniser import write_recogniser
from tests.model_training.command_line import invoke, tiny_options

SIZE = 32


def _pairs(level: int, people: int, *, masked: bool = False) -> PairSet:
    """Pairs whose sources are `level` and targets `level + 1`; the last person is held out."""
    count = 2 * people
    images = np.repeat(np.array([[level], [level + 1]], np.uint8), SIZE * SIZE * 3, axis=1)
    half = np.zeros((SIZE, SIZE), np.uint8)
    half[: SIZE // 2] = 1
    valid = np.repeat(np.packbits(half)[None], count, axis=0) if masked else None
    names = tuple(f"{level}-{k // 2}" for k in range(count))
    held_out = np.array([n.endswith(f"-{people - 1}") for n in names])
    rows = np.zeros(count, np.int64)
    return PairSet(images.reshape(2, SIZE, SIZE, 3), rows, rows + 1, names, held_out, valid)


def _levels(images: torch.Tensor) -> list[int]:
    return [round(float(v)) for v in (images.mean((1, 2, 3)) + 1) * 127.5]


def test_pairs_come_in_their_shares_and_the_same_step_gives_the_same() -> None:
    batches = PairBatches(
        [_pairs(10, 3), _pairs(200, 3)], (1, 3), 64, SIZE, 1, seed=0, varied=False
    )
    first = batches.at(5)
    sources, targets = _levels(first.source), _levels(first.target)
    assert targets == [level + 1 for level in sources]
    assert sources.count(10) + sources.count(200) == 64
    assert 38 <= sources.count(200) <= 58
    assert torch.equal(first.source, batches.at(5).source)
    assert not torch.equal(first.source, batches.at(6).source)


def test_both_sides_of_a_pair_are_varied_alike() -> None:
    pairs = _pairs(100, 2)
    batch = PairBatches([pairs], (1,), 16, SIZE, 1, seed=0).at(0)
    levels = batch.source.mean((1, 2, 3))
    assert float(levels.std()) > 0.05
    # One grey level apart before, one times the contrast now.
    apart = (batch.target - batch.source).mean((1, 2, 3)) * 127.5
    assert float(apart.min()) > 0.75
    assert float(apart.max()) < 1.2


def test_held_out_people_are_drawn_only_when_asked_for() -> None:
    pairs, everybody = _pairs(10, 2), _pairs(200, 2)
    shared = PairSet(
        everybody.images, everybody.source, everybody.target, pairs.people,
        np.zeros(len(pairs), bool),
    )  # fmt: skip
    fitted = PairBatches([pairs, shared], (1, 1), 8, SIZE, 1, seed=0)
    assert [list(rows) for rows in fitted.rows] == [[0, 1], [0, 1]]
    held = PairBatches([pairs, shared], (1, 1), 8, SIZE, 1, seed=0, held_out=True)
    assert [list(rows) for rows in held.rows] == [[2, 3], [2, 3]]
    with pytest.raises(ValueError, match="no pair"):
        PairBatches([shared], (0,), 8, SIZE, 1, seed=0)


def test_the_mask_follows_its_pair_at_another_size() -> None:
    batch = PairBatches([_pairs(10, 2, masked=True)], (1,), 4, 16, 1, seed=0).at(0)
    assert batch.valid.shape == (4, 1, 16, 16)
    assert float(batch.valid[:, :, :8].min()) == 1
    assert float(batch.valid[:, :, 8:].max()) == 0
    whole = PairBatches([_pairs(10, 2)], (1,), 4, 16, 1, seed=0).at(0)
    assert float(whole.valid.min()) == 1


def test_the_face_counts_most() -> None:
    weight = face_emphasis(112)[0, 0]
    assert float(weight.mean()) == pytest.approx(1)
    assert float(weight[64, 56]) > 2.5 * float(weight[2, 2])


JOINT = (
    *("joint_steps=6", "neutralizer=joint", "stage1_epochs=2", "stage2_epochs=1"),
    *("stage3_epochs=1", "pair_shares=(1,)"),
)


@pytest.mark.slow
def test_one_command_trains_jointly_and_the_result_uses_what_it_learnt(tmp_path: Path) -> None:
    options = [*tiny_options(tmp_path / "ck", tmp_path / "run", *JOINT)]
    refused = invoke(["train", "classic", *options])
    assert refused.exit_code == 1
    assert "--recogniser" in refused.output
    options += ["--recogniser", str(write_recogniser(tmp_path))]
    done = invoke(["train", "classic", *options])
    assert done.exit_code == 0, done.output
    rows = read_rows(tmp_path / "run" / "joint.csv")
    assert {"rec", "maps", "identity", "kl", "val_identity"} <= rows[-1].keys()
    assert (tmp_path / "run" / "sheets" / "joint-0001.png").stat().st_size > 100
    learnt = load_checkpoint(tmp_path / "run" / "joint.pt")["network"]
    net, stored = load_result(tmp_path / "run" / "classic.pt")
    assert set(stored["neutralizers"]) == {"sgd", "ridge", "joint"}
    assert torch.equal(net.neutralizer.dense.weight, learnt["neutralizer.dense.weight"])
    ridge, _ = load_result(tmp_path / "run" / "classic.pt", "ridge")
    assert not torch.equal(ridge.neutralizer.dense.weight, net.neutralizer.dense.weight)


@pytest.mark.slow
def test_shares_that_do_not_fit_the_sets_are_refused(tmp_path: Path) -> None:
    settings = (*JOINT[:-1], "pair_shares=(1,2)")
    options = [*tiny_options(tmp_path / "ck", tmp_path / "run", *settings)]
    options += ["--recogniser", str(write_recogniser(tmp_path))]
    refused = invoke(["train", "classic", *options])
    assert refused.exit_code == 1
    assert "2 numbers for 1 sets" in refused.output
    assert not (tmp_path / "run" / "stage1.pt").exists()  # said before anything is trained
