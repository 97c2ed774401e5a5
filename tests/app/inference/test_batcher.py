from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.errors import InferenceError
from app.inference.batcher import Amounts, MicroBatcher
from app.inference.threads import usable_cores

Crops = NDArray[np.uint8]


class Recording:
    """Adds 1 to every crop, and keeps the batches; the first one waits until it may go on."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []
        self.first_runs = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, crops: Crops, strengths: Amounts, _: Amounts) -> Crops:
        self.sizes.append((len(crops), crops.shape[1]))
        if len(self.sizes) == 1:
            self.first_runs.set()
            assert self.go_on.wait(20)
        return crops + strengths.astype(np.uint8)[:, None, None, None]


def crop(value: int, size: int = 16) -> Crops:
    return np.full((size, size, 3), value, np.uint8)


def test_crops_that_arrive_during_a_run_share_the_next() -> None:
    run = Recording()
    batcher = MicroBatcher(run, max_batch=4)
    observed: list[int] = []
    batcher.on_batch = observed.append
    with ThreadPoolExecutor(12) as pool:
        first = pool.submit(batcher.submit, crop(0), 1.0)
        assert run.first_runs.wait(20)
        rest = [pool.submit(batcher.submit, crop(value), 1.0) for value in range(1, 6)]
        large = pool.submit(batcher.submit, crop(9, 32), 1.0)
        while batcher.waiting < 6:
            time.sleep(0.005)
        run.go_on.set()
        assert (first.result(20) == 1).all()
        for value, answer in enumerate(rest, 1):
            assert (answer.result(20) == value + 1).all()
        assert large.result(20).shape == (32, 32, 3)
    assert run.sizes[0] == (1, 16)
    assert sorted(run.sizes[1:]) == [(1, 16), (1, 32), (4, 16)]  # five crops, four at most
    assert sorted(observed) == [1, 1, 1, 4]


def test_a_lone_crop_does_not_wait() -> None:
    batcher = MicroBatcher(lambda crops, *_: crops, max_batch=8)
    assert np.array_equal(batcher.submit(crop(3), 1.0), crop(3))


def test_single_crops_may_run_side_by_side() -> None:
    together = threading.Barrier(2)

    def run(crops: Crops, *_: Amounts) -> Crops:
        together.wait(20)  # breaks unless the other one is running too
        return crops

    batcher = MicroBatcher(run, max_batch=1, parallel=2)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(batcher.submit, crop(value), 1.0) for value in range(2)]
        assert [int(answer.result(25)[0, 0, 0]) for answer in answers] == [0, 1]
    with pytest.raises(ValueError, match="one at a time"):
        MicroBatcher(run, max_batch=2, parallel=2)


def test_a_delay_joins_crops_that_come_a_little_later() -> None:
    sizes: list[int] = []

    def run(crops: Crops, *_: Amounts) -> Crops:
        sizes.append(len(crops))
        return crops

    batcher = MicroBatcher(run, max_batch=2, delay_s=20)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(batcher.submit, crop(value), 1.0) for value in range(2)]
        assert [int(answer.result(15)[0, 0, 0]) for answer in answers] == [0, 1]
    assert sizes == [2]  # the full batch did not wait for the 20 seconds


def test_each_crop_keeps_its_regions() -> None:
    def run(crops: Crops, _: Amounts, regions: Amounts) -> Crops:
        return crops + (regions @ [1, 10, 100]).astype(np.uint8)[:, None, None, None]

    batcher = MicroBatcher(run, max_batch=2, delay_s=20)
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(batcher.submit, crop(1), 1.0, (1.0, 0.0, 1.0))
        other = pool.submit(batcher.submit, crop(2), 1.0, (0.0, 1.0, 0.0))
        assert one.result(15)[0, 0, 0] == 102
        assert other.result(15)[0, 0, 0] == 12


def test_one_bad_crop_does_not_fail_its_neighbours() -> None:
    def run(crops: Crops, *_: Amounts) -> Crops:
        if (crops == 13).any():
            raise RuntimeError("no memory")
        return crops

    batcher = MicroBatcher(run, max_batch=3, delay_s=20)
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(batcher.submit, crop(value), 1.0) for value in (12, 13, 14)]
        outcomes = [answer.exception(15) for answer in answers]
    assert [type(outcome) for outcome in outcomes] == [type(None), InferenceError, type(None)]


def test_failures_in_a_row_are_counted() -> None:
    broken = [True]

    def run(crops: Crops, *_: Amounts) -> Crops:
        if broken[0]:
            raise RuntimeError("device lost")
        return crops

    batcher = MicroBatcher(run)
    for expected in (1, 2, 3):
        with pytest.raises(InferenceError):
            batcher.submit(crop(1), 1.0)
        assert batcher.failures == expected
    broken[0] = False
    batcher.submit(crop(1), 1.0)
    assert batcher.failures == 0


@pytest.mark.parametrize(("text", "most"), [("150000 100000", 2), ("50000 100000", 1)])
def test_a_container_limit_bounds_the_threads(tmp_path: Path, text: str, most: int) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert 1 <= usable_cores(tmp_path / "cpu.max") <= most


@pytest.mark.parametrize("text", ["max 100000", "", "nonsense"])
def test_no_limit_takes_what_the_affinity_allows(tmp_path: Path, text: str) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert usable_cores(tmp_path / "cpu.max") == usable_cores(tmp_path / "absent")
