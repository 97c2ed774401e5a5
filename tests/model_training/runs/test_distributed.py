"""Two processes that share batches train as one process with the joint batch does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from model_training.runs.checkpoint import load_checkpoint
from model_training.runs.distributed import ALONE, Workers, torchrun_workers
from model_training.runs.log import read_rows
from tests.model_training.command_line import tiny_options
from tests.model_training.meter.test_training import draw_london
from tests.model_training.photo_set import write_photo_set
from tests.model_training.worker_runs import JOINS, train_all

REPOSITORY = Path(__file__).parents[3]
LAUNCH = (*("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"), "-m")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same trainings: by one process, and by two."""
    data = tmp_path_factory.mktemp("data")
    draw_london(data)
    write_photo_set(data)
    tiny_options(data / "ck_plus", data)  # draws it
    alone, together = data / "alone", data / "together"
    train_all(data, alone)
    done = subprocess.run(
        [sys.executable, *LAUNCH, "tests.model_training.worker_runs", str(data), str(together)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=1800,  # a busy machine only takes longer
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return alone, together


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "steps"),
    [
        *(("classic/stage1", 8), ("classic/stage2", 8), ("classic/stage3", 4)),
        *(("meter/meter", 4), ("photo/photo", 4)),
    ],
)
def test_two_workers_have_the_loss_curve_of_one(
    runs: tuple[Path, Path], name: str, steps: int
) -> None:
    alone, together = (read_rows(folder / f"{name}.csv") for folder in runs)
    assert len(alone) == len(together) >= steps // 2
    for one, two in zip(alone, together, strict=True):
        assert one.keys() == two.keys()
        for key, value in one.items():
            if key.startswith("r_"):  # correlations over a few people
                continue
            # The meter's rate is five times the others', and Adam's first steps have one length
            # however small a gradient is: where it is next to 0 rounding decides their direction.
            rel = 1e-2 if name == "meter/meter" else 2e-3
            assert two[key] == pytest.approx(value, rel=rel, abs=2e-4), (key, one["step"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["classic/stage1.pt", "classic/stage2.pt", "meter/meter.pt"])
def test_a_checkpoint_does_not_know_how_many_workers_wrote_it(
    runs: tuple[Path, Path], name: str
) -> None:
    alone, together = (load_checkpoint(folder / name) for folder in runs)
    assert torch.equal(alone["rng"]["torch"], together["rng"]["torch"])
    assert alone["settings"] == together["settings"]
    assert alone["step"] == together["step"]
    for key, weight in alone["network"].items():
        assert together["network"][key].shape == weight.shape, key


@pytest.mark.slow
def test_gradients_and_statistics_are_the_joint_batchs_to_the_last_digits(
    runs: tuple[Path, Path],
) -> None:
    alone, together = (torch.load(folder / "gradients.pt") for folder in runs)
    assert alone.keys() == together.keys()
    assert sum(name.endswith("running_var") for name in alone) == 18
    for name, gradient in alone.items():
        assert torch.allclose(together[name], gradient, rtol=1e-8, atol=1e-12), name


@pytest.mark.slow
def test_workers_may_join_again_and_again(runs: tuple[Path, Path]) -> None:
    _, together = runs
    joined = {file.name: file.read_text() for file in together.glob("joined-*")}
    assert joined == {"joined-0": f"{JOINS}", "joined-1": f"{JOINS}"}


def test_a_share_is_every_nth_row_and_must_be_even() -> None:
    batch = torch.arange(6)
    assert [Workers(rank, 3).share(batch).tolist() for rank in range(3)] == [[0, 3], [1, 4], [2, 5]]
    with pytest.raises(ValueError, match="6 cannot be shared evenly by 4"):
        Workers(0, 4).share(batch)


def test_noise_is_the_joint_batchs() -> None:
    torch.manual_seed(3)
    joint = ALONE.normal_like(torch.empty(4, 2, 5))
    for rank in (0, 1):
        torch.manual_seed(3)
        assert torch.equal(Workers(rank, 2).normal_like(torch.empty(2, 2, 5)), joint[rank::2])


def test_without_torchrun_there_is_one_worker() -> None:
    module = torch.nn.BatchNorm2d(3)
    with torchrun_workers() as workers:
        assert workers == ALONE
        assert workers.parallel(module) is module
        assert workers.mean({"loss": 0.1}) == {"loss": 0.1}
