"""Checkpoints: atomic, readable without running code, and exact about randomness."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from model_training.runs.checkpoint import (
    CheckpointError,
    atomic_path,
    capture_rng,
    load_checkpoint,
    restore,
    restore_rng,
    save_checkpoint,
)


def test_networks_optimizers_and_values_come_back(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(network.parameters(), 0.1)
    network(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    save_checkpoint(
        tmp_path / "a" / "c.pt", network=network, optimizer=optimizer, step=7, config={"z": [1, 2]}
    )

    other = torch.nn.Linear(3, 2)
    other_optimizer = torch.optim.Adam(other.parameters(), 0.5)
    loaded = load_checkpoint(tmp_path / "a" / "c.pt")
    restore(loaded, network=other, optimizer=other_optimizer)

    assert loaded["step"] == 7
    assert loaded["config"] == {"z": [1, 2]}
    assert torch.equal(other.weight, network.weight)
    assert other_optimizer.param_groups[0]["lr"] == 0.1
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["c.pt"]


def _fail_while_writing(path: Path) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"half")
        raise RuntimeError("killed")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    save_checkpoint(path, step=1)
    with pytest.raises(RuntimeError):
        _fail_while_writing(path)
    assert load_checkpoint(path) == {"step": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["c.pt"]


def test_leftovers_of_killed_processes_are_cleared_and_others_stay(tmp_path: Path) -> None:
    killed = subprocess.Popen([sys.executable, "-c", "pass"])
    killed.wait()
    (tmp_path / f"c.pt.{killed.pid}.tmp").write_bytes(b"half")
    (tmp_path / f"c.pt.{os.getppid()}.tmp").write_bytes(b"somebody is writing")
    (tmp_path / f"other.pt.{killed.pid}.tmp").write_bytes(b"another file's")
    save_checkpoint(tmp_path / "c.pt", step=1)
    assert {p.name for p in tmp_path.iterdir()} == {
        "c.pt",
        f"c.pt.{os.getppid()}.tmp",
        f"other.pt.{killed.pid}.tmp",
    }


def test_foreign_and_truncated_files_are_refused(tmp_path: Path) -> None:
    torch.save({"weights": torch.ones(2)}, tmp_path / "foreign.pt")
    save_checkpoint(tmp_path / "cut.pt", weights=torch.ones(1000))
    (tmp_path / "cut.pt").write_bytes((tmp_path / "cut.pt").read_bytes()[:500])
    for name in ("foreign.pt", "cut.pt"):
        with pytest.raises(CheckpointError, match=name):
            load_checkpoint(tmp_path / name)


def test_missing_entry_and_wrong_shape_are_named(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c.pt", network=torch.nn.Linear(2, 2))
    loaded = load_checkpoint(tmp_path / "c.pt")
    with pytest.raises(CheckpointError, match="'optimizer'"):
        restore(loaded, optimizer=torch.nn.Linear(2, 2))
    with pytest.raises(CheckpointError, match="'network'"):
        restore(loaded, network=torch.nn.Linear(3, 2))


def test_randomness_continues_where_it_was(tmp_path: Path) -> None:
    def draw(own: np.random.Generator, sampler: torch.Generator) -> list[float]:
        return [
            random.random(),
            float(np.random.rand()),  # noqa: NPY002 - the global state is what is tested
            float(torch.rand(1)),
            float(own.random()),
            float(torch.rand(1, generator=sampler)),
        ]

    own, sampler = np.random.default_rng(3), torch.Generator().manual_seed(4)
    draw(own, sampler)
    save_checkpoint(tmp_path / "c.pt", rng=capture_rng(own, sampler))
    expected = draw(own, sampler)

    fresh, fresh_sampler = np.random.default_rng(), torch.Generator()
    restore_rng(load_checkpoint(tmp_path / "c.pt")["rng"], fresh, fresh_sampler)
    assert draw(fresh, fresh_sampler) == expected
    with pytest.raises(CheckpointError, match="2 generators"):
        restore_rng(load_checkpoint(tmp_path / "c.pt")["rng"], fresh)
