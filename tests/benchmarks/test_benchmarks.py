"""What the benchmarks count and compare; the figures themselves need a quiet machine."""

from __future__ import annotations

import sys
from email import message_from_bytes
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from app.imaging.decode import decode
from app.pipeline import Neutralizer, Options
from app.settings import Settings
from benchmarks import against, gpu, training
from benchmarks.document import PAGE, TRAINING, fresh, page, rates, training_page
from benchmarks.floors import convolution_flops, copy_bandwidth, milliseconds
from benchmarks.machine import served_model, write
from benchmarks.overhead import stage_times
from benchmarks.pictures import multipart, pictures
from benchmarks.rivals.work import Work, run, session
from model_training.runs.compute import Compute

MACHINE = {
    "processor": "a processor",
    "cores": 2,
    "load_1_minute": 0.1,
    "commit": "0123456789ab",
    "model_sha256": served_model()[1],
    "packages": {"onnxruntime": "1.0"},
}
VERSIONS = {"onnxruntime": "1.0", "torch": "2.0"}


def test_the_page_is_what_the_results_give() -> None:
    assert PAGE.read_text() == page(), "run python -m benchmarks.document"
    assert TRAINING.read_text() == training_page(), "run python -m benchmarks.document"


def test_operations_of_a_convolution_are_counted() -> None:
    value = helper.make_tensor_value_info
    weights = np.ones((8, 4, 3, 3), np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])],
        "convolution",
        [value("x", TensorProto.FLOAT, [1, 4, 10, 12])],
        [value("y", TensorProto.FLOAT, [1, 8, 10, 12])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    feed = {"x": np.zeros((1, 4, 10, 12), np.float32)}
    counted = convolution_flops(model.SerializeToString(), feed)
    assert counted == 2 * (8 * 10 * 12) * (4 * 3 * 3)


def test_floors_are_those_of_some_machine() -> None:
    assert 1e8 < copy_bandwidth(megabytes=8) < 1e12
    assert milliseconds(lambda: sum(range(20_000)), repeats=3) > 0.01


def test_stage_times_leave_waiting_out() -> None:
    header = "upload;dur=2.0, queue;dur=9.1, decode;dur=1.5, infer;dur=20.0, encode;dur=2.5"
    assert stage_times(header) == {"decode": 1.5, "infer": 20.0, "encode": 2.5}


def test_pictures_have_the_sizes_they_are_named_after() -> None:
    for name, data in pictures().items():
        assert max(decode(data).pixels.shape) == int(name)


def test_the_form_holds_the_photograph() -> None:
    body, kind = multipart("512", b"\xff\xd8 not really\r\n a photograph")
    (part,) = message_from_bytes(
        b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body
    ).get_payload()
    assert part.get_param("name", header="content-disposition") == "file"
    assert part.get_payload(decode=True) == b"\xff\xd8 not really\r\n a photograph"


@pytest.mark.slow
def test_training_steps_are_timed_in_both_precisions() -> None:
    auto = Compute(torch.device("cpu"), "bfloat16", "for a reason")
    rows = [training.measure(stage, auto, rounds=1) for stage in ("eyes", "classic, stage 3")]
    assert (rows[0]["images"], rows[1]["images"]) == (52, 32)
    assert min(rows[0]["float32"], rows[0]["bfloat16"], rows[1]["float32"]) > 0
    result = {"command": "a command", "machine": MACHINE, "note": "Shared.", "auto": str(auto)}
    made = rates(result | {"rows": rows})
    (line,) = (text for text in made.splitlines() if text.startswith("| eyes |"))
    low, full = rows[0]["bfloat16"], rows[0]["float32"]
    assert line == f"| eyes | 52 | {full} | {low} | {low / full:.2f} | bfloat16 |"
    assert f"| classic, stage 3 | 32 | {rows[1]['float32']} |  |  | float32 |" in made
    assert "`auto` said: computing in bfloat16 on cpu: for a reason." in made
    assert "Shared." in made


@pytest.mark.slow
def test_rivals_answer_as_the_service_does_to_the_byte() -> None:
    neutralizer = Neutralizer.build(Settings(device="cpu", warm_up=False))
    work, graph, made = Work(), session(threads=1), pictures()
    for size in ("512", "880"):
        prepared = work.before(made[size])
        answer = work.after(prepared, run(graph, [prepared.crop.image])[0])
        assert answer == neutralizer.neutralize(made[size], Options(faces="largest")).file
        assert cv2.imdecode(np.frombuffer(answer, np.uint8), 1).shape == prepared.pixels.shape


def test_ratios_against_rivals_and_figures_of_another_model(tmp_path: Path) -> None:
    def row(server: str, rate: float, p99: float) -> dict[str, object]:
        times = {"p50_ms": 10.0, "p95_ms": 20.0, "p99_ms": p99, "cpu_ms_each": 50.0}
        return {"server": server, "users": 32, "per_second": rate, **times}

    result = {
        "command": "a command",
        "machine": MACHINE,
        "answers": "byte-identical",
        "servers": {"stoicnet": "ours", "litserve": "theirs"},
        "targets": {"litserve": 1.0, "litserve, with report=minimal": 1.2},
        "rows": [row("stoicnet", 30.0, 90.0), row("litserve", 20.0, 180.0)],
    }
    write("rivals", result, tmp_path)
    (line,) = [text for text in page(tmp_path).splitlines() if "users, litserve" in text]
    assert line.endswith("| 1.50 | 0.50 |")
    write("rivals", result | {"machine": MACHINE | {"model_sha256": "another"}}, tmp_path)
    assert fresh("rivals", tmp_path) is None
    text = page(tmp_path)
    assert "litserve |" not in text
    assert "- `python -m benchmarks.rivals`: " in text


@pytest.mark.slow
def test_the_benchmark_of_gpus_measures_what_comes_up_and_names_the_rest(tmp_path: Path) -> None:
    # On the CPU: its rows, nodes and page are those of a GPU but for the name.
    result = gpu.measure(["cpu"], [1], repeats=1, sides=[256])
    assert [row["precision"] for row in result["rows"]] == ["float32", "float16"]
    assert result["rows"][0]["largest_difference"] == 0
    assert all(sum(row["by_provider"].values()) > 50 for row in result["nodes"])
    left = {"device": "tensorrt", "precision": "float32", "reason": "It did not come up."}
    head = {"command": "python -m benchmarks.gpu", "machine": MACHINE, "left_out": [left]}
    write("gpu", result | head, tmp_path)
    text = page(tmp_path)
    assert "| CPU, float32, 256 px, batch 1 |" in text
    assert "Not measured: tensorrt, float32. It did not come up." in text


def test_tables_against_editors_and_versions(tmp_path: Path) -> None:
    head = {"command": "a command", "machine": MACHINE | {"packages": VERSIONS}}
    sides = [("StoicNet", 3_000_000, 0.05, 200), ("LivePortrait", 130_000_000, 20.0, 1000)]
    rows = [
        {"name": name, "parameters": n, "cpu_s": s, "wall_s": s, "peak_mb": mb}
        for name, n, s, mb in sides
    ]
    write("editors", head | {"threads": 1, "rows": rows}, tmp_path)
    row = {"size": 880, "cpu_ms": 60.0, "cpu_ms_then": 100.0, "target": 0.6}
    ratios = {"ratio": 0.6, "ratio_from": 0.55, "ratio_to": 0.65}
    write("against", head | {"then": "0.5.0", "rows": [row | ratios]}, tmp_path)
    figures = {"name": "now", "requests": 9, "before_mb": 300, "peak_mb": 800, "after_mb": 400}
    users = {"users": 32, "megapixels": 12, "rest_s": 8.0}
    write("memory", head | users | {"rows": [figures]}, tmp_path)
    text = page(tmp_path)
    assert "take 400 times our processor time and 5.0 times our memory." in text
    assert "| 880 px | 60.0 | 100.0 | 0.60 | 0.55 | 0.65 | 0.6 |" in text
    assert "| now | 9 | 300 | 800 | 400 |" in text


def test_a_commit_is_taken_out_with_its_models() -> None:
    with against.checked_out("HEAD") as folder:
        assert against.version_of(folder) == served_model()[0]
        assert (folder / "app" / "cli.py").is_file()
    assert not folder.exists()


def test_no_gpu_is_said_clearly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu"])
    with pytest.raises(SystemExit) as ended:
        gpu.main(driver_present=lambda: False)
    assert ended.value.code == gpu.NO_GPU
    assert "No GPU" in capsys.readouterr().err
