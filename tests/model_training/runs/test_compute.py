"""The choice of device and precision, and what it is made from."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from torch import nn

from model_training.runs.compute import (
    ON_CPU,
    RECORD,
    Compute,
    Timing,
    choose,
    find_device,
    has_bfloat16,
    machine_of,
    measure,
)
from tests.model_training.command_line import invoke

CPU = torch.device("cpu")


def record(folder: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((folder / RECORD).read_text())
    return found


def test_a_forced_choice_is_not_measured(tmp_path: Path) -> None:
    chosen = choose("cpu", "bfloat16", folder=tmp_path)
    assert chosen == Compute(CPU, "bfloat16", "asked for")
    assert record(tmp_path)["precision"] == "bfloat16"
    assert record(tmp_path)["machine"] == machine_of(CPU)


def test_left_alone_it_says_what_it_measured_or_why_it_did_not(tmp_path: Path) -> None:
    chosen = choose("cpu", folder=tmp_path)
    if has_bfloat16(CPU):
        times = re.findall(r"([\d.]+(?:e\+\d+)?) ms in (bfloat16|float32)", chosen.why)
        low, full = (float(number) for number, _ in times)
        # The numbers are rounded to three digits.
        faster = "bfloat16" if low * 1.05 <= full else "float32"
        assert chosen.precision == faster or abs(low * 1.05 / full - 1) < 0.01
    else:
        assert (chosen.precision, "no instructions" in chosen.why) == ("float32", True)
    assert f"computing in {chosen.precision} on cpu" in str(chosen)


def test_a_run_goes_on_as_it_was_begun_on_the_same_machine(tmp_path: Path) -> None:
    for precision in ("float32", "bfloat16"):
        choose("cpu", precision, folder=tmp_path)
        again = choose("cpu", folder=tmp_path)
        assert again.precision == precision
        assert again.why == "as this run was begun on this machine"
        assert record(tmp_path)["why"].startswith("asked for")


def test_a_run_may_go_on_in_another_precision_and_says_so(tmp_path: Path) -> None:
    choose("cpu", "bfloat16", folder=tmp_path)
    elsewhere = {**record(tmp_path), "machine": "Some GPU"}
    (tmp_path / RECORD).write_text(json.dumps(elsewhere))
    moved = choose("cpu", "float32", folder=tmp_path)
    assert moved.why == "asked for; so far the run computed in bfloat16 on Some GPU"
    assert record(tmp_path) == {
        "device": "cpu",
        "precision": "float32",
        "machine": machine_of(CPU),
        "why": moved.why,
    }


@pytest.mark.parametrize("text", ["", "[]", '{"machine": '])
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / RECORD).write_text(text)
    assert choose("cpu", "float32", folder=tmp_path).why == "asked for"
    assert record(tmp_path)["precision"] == "float32"


@pytest.mark.parametrize(
    ("capabilities", "there"),
    [
        ({"architecture": "x86_64", "avx2": True, "avx512_f": False}, False),
        ({"architecture": "x86_64", "avx2": True, "avx512_f": True}, True),
        ({"architecture": "x86_64", "avx512_f": True, "amx_bf16": True}, True),
        ({"architecture": "aarch64", "neon": True, "bf16": False}, False),
        ({"architecture": "aarch64", "neon": True, "bf16": True}, True),
        ({"architecture": "unknown"}, False),
    ],
)
def test_which_processors_compute_bfloat16(capabilities: dict[str, object], there: bool) -> None:
    assert has_bfloat16(CPU, capabilities) is there


def test_ties_go_to_float32() -> None:
    assert Timing(bfloat16=1.0, float32=2.0).precision == "bfloat16"
    assert Timing(bfloat16=1.0, float32=1.04).precision == "float32"
    assert Timing(bfloat16=10.0, float32=1.0).precision == "float32"


def test_measuring_leaves_random_numbers_alone() -> None:
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    timing = measure(CPU, seconds=0.1)
    assert torch.equal(torch.rand(3), wanted)
    assert min(timing) > 0


def test_autocast_is_bfloat16_and_nothing_else() -> None:
    network, x = nn.Linear(2, 2), torch.ones(1, 2)
    for compute, kind in ((ON_CPU, torch.float32), (Compute(CPU, "bfloat16"), torch.bfloat16)):
        with compute.autocast():
            assert network(x).dtype == kind
        assert network(x).dtype == torch.float32


def test_the_gpu_is_the_workers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    if torch.cuda.is_available():
        assert find_device("auto").type == "cuda"
        monkeypatch.setenv("LOCAL_RANK", str(torch.cuda.device_count()))
        with pytest.raises(ValueError, match="has no GPU"):
            find_device("cuda")
    else:
        assert find_device("auto") == CPU
        with pytest.raises(ValueError, match="no CUDA device"):
            find_device("cuda")


@pytest.mark.parametrize(("device", "precision"), [("tpu", "auto"), ("cpu", "float16")])
def test_other_names_are_refused(device: str, precision: str) -> None:
    with pytest.raises(ValueError, match=r"tpu|float16"):
        choose(device, precision)


@pytest.mark.parametrize("stage", ["photo", "eyes", "meter", "classic", "neutralizer"])
def test_every_stage_can_be_told(stage: str) -> None:
    result = invoke(["train", stage, "--help"])
    assert result.exit_code == 0
    assert "--device" in result.output
    # Stage 3 of `classic` is one dense layer, in float32.
    assert ("--compute" in result.output) is (stage != "neutralizer")


def test_a_gpu_that_is_not_there_is_a_mistake_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    data = ["--prepared", str(tmp_path), "--out", str(tmp_path / "run")]
    result = invoke(["train", "eyes", *data, "--device", "cuda"])
    assert result.exit_code == 2
    assert "finds no CUDA device" in re.sub(r"\s+", " ", result.output)
