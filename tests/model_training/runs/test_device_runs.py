"""Whole runs on a device that is not the CPU, and runs that move from one device to another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from app.settings import DEFAULT_MODELS_DIR
from model_training.classic.context import ClassicContext
from model_training.classic.latents import encode_pairs
from model_training.classic.networks import ClassicNet
from model_training.classic.pair_sets import PairSet
from model_training.classic.recipe import PAPER, with_options
from model_training.classic.stage3 import fit_neutralizers
from model_training.classic.train import show_neutralizers
from model_training.meter.config import LabelledSets, MeterConfig, MeterTrainingConfig
from model_training.meter.data import MeterBatches
from model_training.meter.train import train_meter
from model_training.photo.config import PatchNetConfig, PhotoData, PhotoTrainingConfig
from model_training.photo.eyes.config import EyeData, EyeTrainingConfig
from model_training.photo.eyes.train import train_eyes
from model_training.photo.train import train_photo
from model_training.portraits.crops import CropCache
from model_training.runs.checkpoint import load_checkpoint
from model_training.runs.compute import ON_CPU, Compute
from model_training.runs.config import Pace
from model_training.runs.log import read_rows
from tests.model_training.meter.test_training import draw_london
from tests.model_training.photo_set import write_photo_set
from tests.model_training.pretend_device import DEVICE, PretendDevice

THERE = Compute(DEVICE)
QUICK = Pace(log=1, checkpoint=2, tensorboard=False)
# torch warns that copying to a meta tensor does nothing; these have values.
pytestmark = pytest.mark.filterwarnings("ignore:.*copying from a non-meta parameter")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def on(compute: Compute) -> AbstractContextManager[object]:
    return PretendDevice(reading=True) if compute is THERE else nullcontext()


@pytest.fixture(scope="module")
def meter(tmp_path_factory: pytest.TempPathFactory) -> MeterTrainingConfig:
    """With its checkpoint of a run on the CPU, start to end."""
    root = tmp_path_factory.mktemp("meter")
    london, landmarks = draw_london(root)
    config = MeterTrainingConfig(
        sets=LabelledSets(london=london),
        landmarks=landmarks,
        out=root / "whole",
        steps=4,
        batch_size=8,
        network=MeterConfig(widths=(4, 4, 4, 4, 4), hidden=8),
        threads=1,
        pace=QUICK,
    )
    train_meter(config)
    return config


@pytest.mark.parametrize(("first", "then"), [(THERE, ON_CPU), (ON_CPU, THERE)])
def test_a_run_that_moves_ends_with_the_weights_of_one_that_stayed(
    meter: MeterTrainingConfig,
    first: Compute,
    then: Compute,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config, draw = replace(meter, out=tmp_path), MeterBatches.batch

    def stopped(self: MeterBatches, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        if step == 2:
            raise KeyboardInterrupt
        return draw(self, step)

    with monkeypatch.context() as patch, on(first):
        patch.setattr(MeterBatches, "batch", stopped)
        with pytest.raises(KeyboardInterrupt):
            train_meter(config, first)
    with on(then):
        train_meter(config, then)
    wanted, found = (load_checkpoint(out / "meter.pt") for out in (meter.out, config.out))
    for name, weight in wanted["network"].items():
        assert torch.equal(found["network"][name], weight), name
    assert (config.out / "meter.csv").read_text() == (meter.out / "meter.csv").read_text()


def test_photo_from_exported_weights_with_its_judges_and_sheets(tmp_path: Path) -> None:
    pairs, prepared = write_photo_set(tmp_path)
    data = PhotoData((pairs,), prepared, 1, 1, unchanged=0, wild=1)
    config = PhotoTrainingConfig(
        data,
        tmp_path / "run",
        start_from=DEFAULT_MODELS_DIR / "photo" / "network.onnx",
        meter=DEFAULT_MODELS_DIR / "meter" / "meter.onnx",
        steps=1,
        judged_from=0,
        log_every=1,
        threads=1,
    )
    with on(THERE):
        train_photo(config, THERE)
    (row,) = read_rows(config.out / "photo.csv")
    assert {"displacement", "crease", "lips", "misread", "expression"} <= row.keys()
    assert (config.out / "sheets" / "000001.png").is_file()
    assert load_checkpoint(config.out / "photo.pt")["step"] == 1


def test_eyes_with_their_sheet(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, shape in (("open", (4, 2)), ("shut", (4, 2, 3)), ("real", (4, 2))):
        patches = rng.integers(0, 256, (*shape, 96, 128, 3), np.uint8)
        np.save(tmp_path / f"{name}.npy", patches)
    np.save(tmp_path / "label.npy", np.array([[0, 1]] * 4))
    config = EyeTrainingConfig(
        EyeData(tmp_path, drawn=3, from_renderer=0, opened=1, real=2),
        tmp_path / "run",
        steps=2,
        adversarial_from=1,
        network=PatchNetConfig(widths=(4, 6, 8), fine=8, middle_blocks=1),
        threads=1,
        sheet_every=2,
        pace=QUICK,
    )
    with on(THERE):
        train_eyes(config, THERE)
    rows = read_rows(config.out / "eyes.csv")
    assert {"D(real)", "shown_error", "shown_gate"} <= rows[-1].keys()
    assert (config.out / "sheets" / "000002.png").is_file()


def test_what_classic_does_between_its_steps(tmp_path: Path) -> None:
    sizes = {"image_size": 32, "latent": 4, "enhancer_width": 4}
    widths = {"encoder_widths": (4, 4, 4, 8), "decoder_widths": (8, 4, 4, 4)}
    recipe = with_options(PAPER, stage3_epochs=1, batch_size=4, **sizes, **widths)
    torch.manual_seed(0)
    crops = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)
    rows, people = np.arange(4), ("a", "b", "c", "d")
    pairs = PairSet(crops, rows, rows + 4, people, np.array([False, False, False, True]))
    keys = tuple(str(row) for row in range(8))
    data = CropCache(crops, keys, keys, np.ones(8, bool))
    found = {}
    for compute in (ON_CPU, THERE):
        out = tmp_path / compute.device.type
        torch.manual_seed(0)
        net = ClassicNet(recipe.network)
        with on(compute):
            compute.place(net)
            context = ClassicContext(recipe, net, data, out, compute, QUICK)
            measured = context.after_epoch("stage1", 1)(1)
            latents = encode_pairs(net, [pairs], compute.device)
            fit = fit_neutralizers(latents, recipe, out, "stage3", QUICK, compute=compute)
            show_neutralizers(net, fit, [pairs], out / "sheet.png", compute.device)
        sheets = [
            (out / name).read_bytes() for name in ("sheet.png", "sheets/stage1-epoch-0001.png")
        ]
        found[compute.device.type] = measured, latents.source.tobytes(), fit.report, sheets
    assert found["cpu"] == found["meta"]
