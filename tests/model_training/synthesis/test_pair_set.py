"""Making a pair set: plan, labels, rejects, resuming, and the same pixels whoever does the work."""

from __future__ import annotations

import csv
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model_training.portraits.landmarks import LandmarkTable
from model_training.synthesis.config import SynthesisConfig
from model_training.synthesis.plan import make_chunks, share_out
from model_training.synthesis.run import NothingToDoError, Worker, synthesize
from model_training.synthesis.selection import select_neutral
from model_training.synthesis.store import StoreError, open_pairs
from tests.model_training.command_line import invoke
from tests.model_training.synthesis.conftest import Collection

SIZE = 64


@pytest.fixture(scope="module")
def whole(
    collection: Collection, face_model_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> SynthesisConfig:
    """A set that one worker made without a break."""
    made = SynthesisConfig(
        photos=collection.photos,
        landmarks=collection.landmarks,
        face_model=face_model_file,
        out=tmp_path_factory.mktemp("whole") / "set",
        pairs=7,
        size=SIZE,
        seed=3,
        split="all",
        exclude=("other",),
        workers=1,
    )
    synthesize(made)
    return made


@pytest.fixture
def options(whole: SynthesisConfig, tmp_path: Path) -> SynthesisConfig:
    """The same set, not made yet."""
    return replace(whole, out=tmp_path / "set")


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.slow
def test_set_is_complete_labelled_and_explains_its_rejects(whole: SynthesisConfig) -> None:
    pairs, valid, labels = open_pairs(whole.out)
    assert pairs.shape == (7, 2, SIZE, SIZE, 3)
    assert pairs.dtype == np.uint8
    assert valid.shape == (7, SIZE * SIZE // 8)
    assert [int(row["index"]) for row in labels] == list(range(7))
    assert {row["person"] for row in labels} == {"ann", "bea", "eve"}
    assert pairs.reshape(7, -1).std(axis=1).min() > 5
    changed = np.abs(pairs[:, 0].astype(int) - pairs[:, 1]).reshape(7, -1).max(axis=1)
    assert (changed > 10).sum() >= 5
    rejected = {row["photo"]: row["reason"] for row in rows(whole.out / "rejected.csv")}
    assert set(rejected) == {
        "own/smiling/ann.png", "own/broken.png", "own/noise.png", "other/cay.png",
    }  # fmt: skip
    assert "smiling" in rejected["own/smiling/ann.png"]
    assert rejected["own/broken.png"] == "not an image"
    assert "excluded" in rejected["other/cay.png"]
    assert (whole.out / "contact_sheet.png").stat().st_size > 10_000


@pytest.mark.slow
def test_two_workers_make_the_same_pixels_as_one(
    whole: SynthesisConfig, options: SynthesisConfig
) -> None:
    synthesize(replace(options, workers=2))
    for name in (
        "pairs.npy", "valid.npy", "flow.npy", "known.npy", "opening.npy", "points.npy",
        "labels.csv",
    ):  # fmt: skip
        assert (whole.out / name).read_bytes() == (options.out / name).read_bytes(), name


@pytest.mark.slow
def test_killed_run_is_finished_without_redoing_chunks(
    whole: SynthesisConfig, options: SynthesisConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, calls = Worker.make, itertools.count()

    def dies(self: Worker, *arguments: object) -> int:
        if next(calls) == 1:
            raise KeyboardInterrupt
        return make(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Worker, "make", dies)
    with pytest.raises(KeyboardInterrupt):
        synthesize(options)
    assert not (options.out / "labels.csv").exists()
    with pytest.raises(StoreError, match="finish it"):
        open_pairs(options.out)
    finished = sorted((options.out / "chunks").glob("*.csv"))
    assert len(finished) == 1
    before = finished[0].stat().st_mtime_ns
    monkeypatch.undo()
    synthesize(options)
    assert finished[0].stat().st_mtime_ns == before
    assert (options.out / "pairs.npy").read_bytes() == (whole.out / "pairs.npy").read_bytes()


@pytest.mark.slow
def test_a_folder_is_not_continued_with_other_options(options: SynthesisConfig) -> None:
    synthesize(replace(options, pairs=1))
    with pytest.raises(StoreError, match="other options"):
        synthesize(replace(options, pairs=1, seed=4))


@pytest.mark.slow
def test_sequences_share_place_and_grow(options: SynthesisConfig) -> None:
    synthesize(replace(options, pairs=6, frames=3))
    pairs, _, labels = open_pairs(options.out)
    assert [int(row["frame"]) for row in labels] == [0, 1, 2, 0, 1, 2]
    first, last = labels[0], labels[2]
    assert (first["source"], first["seed"]) == (last["source"], last["seed"])
    np.testing.assert_array_equal(pairs[0, 0], pairs[2, 0])
    assert float(first["AU12"]) == pytest.approx(float(last["AU12"]) / 3, abs=2e-3)


def test_nothing_usable_is_an_error_that_says_where_to_look(options: SynthesisConfig) -> None:
    with pytest.raises(NothingToDoError, match=r"rejected\.csv"):
        synthesize(replace(options, exclude=("own", "other")))


def test_validation_people_are_left_out_unless_asked_for(collection: Collection) -> None:
    table = LandmarkTable.load(collection.landmarks)
    train = set(select_neutral(table, "train").accepted)
    validation = set(select_neutral(table, "validation").accepted)
    assert not train & validation
    assert train | validation == set(select_neutral(table, "all").accepted)


def test_pairs_are_shared_out_exactly_and_sharp_photographs_get_more() -> None:
    inter_ocular = np.array([200.0, 30.0, 30.0, 200.0])
    numbers = share_out((0, 1, 3), inter_ocular, 71, 256)
    assert sum(numbers.values()) == 71
    assert numbers[0] > 2 * numbers[1]
    chunks = make_chunks(numbers, seed=0)
    assert sum(chunk.count for chunk in chunks) == 71
    starts = [chunk.start for chunk in chunks]
    assert starts == sorted(starts)
    assert starts[-1] + chunks[-1].count == 71
    assert sum(share_out((0, 1, 3), inter_ocular, 50, 256, frames=8).values()) == 50


def test_command_line(options: SynthesisConfig) -> None:
    arguments = [
        "synthesize", "--photos", str(options.photos), "--landmarks", str(options.landmarks),
        "--face-model", str(options.face_model), "--out", str(options.out), "--pairs", "2",
        "--size", "64", "--workers", "1", "--split", "all", "--exclude", "other", "--no-donors",
    ]  # fmt: skip
    done = invoke(arguments)
    assert done.exit_code == 0, done.output
    assert len(rows(options.out / "labels.csv")) == 2
    wrong = invoke([*arguments, "--seed", "9"])
    assert wrong.exit_code == 2
    assert "other options" in wrong.output
