"""Threads by the load: which session runs, and that the answer is the same."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper

from app.faces.detector import Face, FaceDetector
from app.inference.registry import FUSED, checked_bytes, read_manifest
from app.inference.runtime import RuntimeOptions
from app.inference.session import NeutralizerSession
from app.inference.threads import InFlight, LoadAwareSession
from app.pipeline import Neutralizer
from app.settings import DEFAULT_MODELS_DIR, Settings
from tests.app.conftest import Image
from tests.app.files import encode


def test_the_in_flight_counts_threads_that_are_in() -> None:
    in_flight, inside, leave = InFlight(), threading.Barrier(2), threading.Event()

    def work() -> None:
        with in_flight.track():
            inside.wait()
            leave.wait()

    other = threading.Thread(target=work)
    other.start()
    inside.wait()
    assert in_flight.alone
    with in_flight.track():
        assert not in_flight.alone
    leave.set()
    other.join()
    with in_flight.track():
        assert in_flight.alone, "those who left are not counted"


def test_a_member_that_fails_leaves() -> None:
    in_flight = InFlight()
    for _ in range(3):
        try:
            with in_flight.track():
                raise KeyError
        except KeyError:
            pass
    with in_flight.track():
        assert in_flight.alone


def adding(amount: int) -> ort.InferenceSession:
    """y = x + amount, so that the answer tells which session ran."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "amount"], ["y"])],
        "adding",
        [value("x", TensorProto.INT64, [1])],
        [value("y", TensorProto.INT64, [1])],
        [helper.make_tensor("amount", TensorProto.INT64, [1], [amount])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def test_the_load_chooses_the_session() -> None:
    in_flight, zero = InFlight(), {"x": np.zeros(1, np.int64)}
    session = LoadAwareSession(adding, 4, in_flight)
    with in_flight.track():
        assert session.run(["y"], zero)[0] == 4
        with in_flight.track():
            assert session.run(["y"], zero)[0] == 1
    assert LoadAwareSession(adding, 4).run(["y"], zero)[0] == 4


def test_nothing_is_loaded_twice_that_would_run_the_same() -> None:
    built: list[int] = []

    def build(threads: int) -> ort.InferenceSession:
        built.append(threads)
        return adding(threads)

    LoadAwareSession(build, 1, InFlight())
    LoadAwareSession(build, 4)
    assert built == [1, 4]


def test_the_second_session_is_built_when_it_first_is_needed() -> None:
    built: list[int] = []

    def build(threads: int) -> ort.InferenceSession:
        built.append(threads)
        return adding(threads)

    in_flight, zero = InFlight(), {"x": np.zeros(1, np.int64)}
    session = LoadAwareSession(build, 4, in_flight)
    session.give_back(["y"], zero)
    assert built == [4]
    with in_flight.track(), in_flight.track(), ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(session.run, ["y"], zero) for _ in range(8)]
        assert [answer.result()[0] for answer in answers] == [1] * 8
    assert built == [4, 1]
    session.give_back(["y"], zero)
    assert built == [4, 1]


def test_the_answer_does_not_depend_on_the_threads() -> None:
    entry = read_manifest(DEFAULT_MODELS_DIR).models["photo"]
    graph = checked_bytes(DEFAULT_MODELS_DIR / "photo" / FUSED, entry.files[FUSED].sha256)
    in_flight = InFlight()
    session = NeutralizerSession(
        graph, "photo", RuntimeOptions("cpu", intra_op_threads=2), in_flight
    )
    noise = np.random.default_rng(0).integers(0, 256, (1, 256, 256, 3)).astype(np.uint8)
    with in_flight.track():
        alone = session.run(noise, np.ones(1, np.float32))
        with in_flight.track():
            crowded = session.run(noise, np.ones(1, np.float32))
    assert (alone != noise).any()
    np.testing.assert_array_equal(alone, crowded)


def test_photographs_in_work_are_tracked(neutralizer: Neutralizer, astronaut: Image) -> None:
    in_flight = InFlight()
    seen: list[bool] = []

    class Watching(FaceDetector):
        def detect(self, image: Image) -> list[Face]:
            seen.append(in_flight.alone)
            return super().detect(image)

    watched = Neutralizer(
        Watching(), neutralizer.models, Settings(warm_up=False), in_flight=in_flight
    )
    data = encode(astronaut)
    watched.neutralize(data)
    with in_flight.track():
        watched.neutralize(data)
        watched.analyze(data)
    assert seen == [True, False, False]
