"""What every model trains in: a toy made of nothing but the loop and the exporter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from model_training.runs.averages import WeightAverage
from model_training.runs.checkpoint import CheckpointError, load_checkpoint
from model_training.runs.config import Pace
from model_training.runs.log import read_rows
from model_training.runs.loop import Stage, run_stage
from model_training.runs.onnx import Example, ExportError, write_onnx
from model_training.runs.schedules import WarmCosine

QUICK = Pace(log=1, checkpoint=1, tensorboard=False)


@dataclass(frozen=True)
class ToyConfig:
    """The whole configuration of a model that turns numbers around."""

    out: Path
    steps: int = 3
    width: int = 4
    learning_rate: float = 0.1
    stops_at: int | None = None


def toy_network(config: ToyConfig) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(2, config.width), nn.BatchNorm1d(config.width), nn.Linear(config.width, 1)
    )


def train_toy(config: ToyConfig) -> Path:
    torch.manual_seed(0)
    network = toy_network(config)
    optimizer = torch.optim.Adam(network.parameters())
    rate = WarmCosine(config.learning_rate, config.steps, warm_up=2, floor=0.1)
    parts = {"network": network, "average": WeightAverage(network), "optimizer": optimizer}

    def step(index: int) -> dict[str, Tensor | float]:
        if index == config.stops_at:
            raise KeyboardInterrupt
        lr = rate.set(optimizer, index)
        x = torch.randn(8, 2)  # from the global generator, which a resumed run has to restore
        loss = (network(x) + x.sum(1, keepdim=True)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return {"loss": loss.detach(), "lr": lr}

    settings = {"network": [2, config.width, 1], "learning_rate": config.learning_rate}
    stage = Stage("toy", config.out, settings, config.steps, steps_per_epoch=2, batch_size=8)
    run_stage(stage, parts, step, lambda epoch: {"epoch": epoch}, QUICK)
    return stage.checkpoint


def load_toy(checkpoint: Path, config: ToyConfig) -> nn.Module:
    average = WeightAverage(toy_network(config))
    average.load_state_dict(load_checkpoint(checkpoint)["average"])
    return average.module


def test_a_toy_model_trains_stops_goes_on_and_runs_in_onnx_runtime(tmp_path: Path) -> None:
    config = ToyConfig(tmp_path / "whole")
    whole = load_checkpoint(train_toy(config))
    with pytest.raises(KeyboardInterrupt):
        train_toy(ToyConfig(tmp_path / "stopped", stops_at=2))
    assert load_checkpoint(tmp_path / "stopped" / "toy.pt")["step"] == 2
    resumed = load_checkpoint(train_toy(ToyConfig(tmp_path / "stopped")))
    assert resumed["step"] == whole["step"] == 3
    for part in ("network", "average"):
        for name, value in whole[part].items():
            assert torch.equal(value, resumed[part][name]), f"{part}.{name}"
    rows = read_rows(tmp_path / "stopped" / "toy.csv")
    assert [row.get("epoch") for row in rows] == [None, 1, 2], "a last epoch of one step counts"

    network = load_toy(tmp_path / "stopped" / "toy.pt", config)
    file = write_onnx(
        network, Example({"x": torch.randn(2, 2)}, ["turned"]), tmp_path / "toy.onnx", {"name": "t"}
    )
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map == {"name": "t"}
    x = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    (found,) = session.run(["turned"], {"x": x})
    with torch.no_grad():
        assert np.allclose(found, network(torch.from_numpy(x)).numpy(), atol=1e-5)


def test_a_run_goes_on_with_its_own_settings_only(tmp_path: Path) -> None:
    train_toy(ToyConfig(tmp_path))
    with pytest.raises(CheckpointError, match=r"learning_rate \(0\.1 -> 0\.2\)"):
        train_toy(ToyConfig(tmp_path, learning_rate=0.2))


def test_the_average_is_the_one_worked_out_by_hand() -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 1.0)
    average = WeightAverage(network)
    nn.init.constant_(network.weight, 3.0)
    average.update_parameters(network)
    assert average.module.weight.item() == pytest.approx(1 + 2 * 19 / 20)
    average.update_parameters(network)
    assert average.module.weight.item() == pytest.approx(3 - 2 * (1 / 20) * (2 / 21))
    assert not average.module.training


def test_a_rate_warms_up_and_falls_to_its_floor() -> None:
    rate = WarmCosine(height=1e-3, steps=1000, warm_up=100, floor=0.02)
    assert rate.at(0) == pytest.approx(1e-5)
    assert rate.at(99) == pytest.approx(1e-3, rel=0.03)
    assert rate.at(99) > rate.at(500) > rate.at(999) > rate.at(1000)
    assert rate.at(1000) == pytest.approx(2e-5)


class _Unlike(nn.Module):
    """Is another function once it is exported."""

    def forward(self, x: Tensor) -> Tensor:
        return x + (1.0 if torch.compiler.is_exporting() else 0.0)


def test_a_graph_that_computes_something_else_gets_no_name(tmp_path: Path) -> None:
    file = tmp_path / "unlike.onnx"
    with pytest.raises(ExportError, match="differs from torch by 1"):
        write_onnx(_Unlike(), Example({"x": torch.zeros(2, 3)}, ["y"]), file, {})
    assert list(tmp_path.iterdir()) == []
