"""What can be evaluated: exported graphs, a running service, ready outputs, the controls."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import uvicorn
from numpy.typing import NDArray

from app.faces.alignment import crop_matrix, cut
from app.faces.detector import FaceDetector
from app.main import create_app
from app.settings import Settings
from model_training.evaluation.cache import Cache
from model_training.evaluation.cases import ArrayPicture, Case, Dataset
from model_training.evaluation.controls import (
    MEAN_SIZE,
    ClassicView,
    MeanFace,
    NoOp,
    mean_face,
    with_controls,
)
from model_training.evaluation.systems import (
    FusedModel,
    ReadyOutputs,
    Service,
    System,
    SystemFailedError,
)
from model_training.evaluation.traits import seen_traits
from model_training.evaluation.views import CropView, EyeFinder, NoFaceError, PhotoView
from tests.app.toy_graph import GAIN, write_models

Image = NDArray[np.uint8]
Eyes = NDArray[np.float64]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `photo` that brightens the lower half of the crop."""
    return write_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def finder(tmp_path_factory: pytest.TempPathFactory) -> EyeFinder:
    return EyeFinder(FaceDetector(), Cache(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def eyes(finder: EyeFinder, astronaut: Image) -> Eyes:
    return finder.find(astronaut, "astronaut")


@pytest.fixture(scope="module")
def case(astronaut: Image) -> Case:
    return Case("astronaut", "Collins", ArrayPicture(astronaut[None], (0,), "astronaut"))


def test_eyes_are_found_and_remembered(finder: EyeFinder, astronaut: Image, eyes: Eyes) -> None:
    assert np.hypot(*(eyes[1] - eyes[0])) == pytest.approx(41, abs=4)
    assert np.array_equal(finder.find(astronaut, "again"), eyes)
    with pytest.raises(NoFaceError, match="nobody"):
        finder.find(np.full((64, 64, 3), 90, np.uint8), "nobody")


def test_a_model_runs_as_the_service_runs_it(
    models: Path, case: Case, astronaut: Image, eyes: Eyes
) -> None:
    system = FusedModel(models, "photo")
    output = system.neutralize(case, astronaut, eyes)
    assert output.mask is not None
    changed = (output.image != astronaut).any(2)
    assert changed.any()
    assert not (changed & (output.mask == 0)).any()
    x, y = (int(v) for v in eyes.mean(0) + np.array([0, 30]))
    brighter = np.clip(astronaut[y, x].astype(int) + int(GAIN), 0, 255)
    assert np.abs(output.image[y, x] - brighter).max() <= 3
    off = FusedModel(models, "photo", strength=0.0)
    assert np.array_equal(off.neutralize(case, astronaut, eyes).image, astronaut)
    assert off.fingerprint(case) != system.fingerprint(case)
    assert system.fingerprint(case) == FusedModel(models, "photo").fingerprint(case)


def test_classic_is_looked_at_in_grey_crops(
    tmp_path: Path, case: Case, astronaut: Image, eyes: Eyes
) -> None:
    system = FusedModel(write_models(tmp_path, "classic", (112,)), "classic")
    assert system.view.name == "crop112grey"
    seen = system.view.see(astronaut, eyes)
    assert seen.image.shape == (112, 112, 3)
    assert np.ptp(seen.image.astype(int), axis=2).max() == 0
    assert seen.eyes == pytest.approx(
        np.array([[(0.5 - 0.135) * 112, 0.44 * 112], [(0.5 + 0.135) * 112, 0.44 * 112]])
    )
    output = system.neutralize(case, astronaut, eyes)
    assert output.mask is None
    assert output.image.shape == (112, 112, 3)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemFailedError, match=r"photo/fused\.onnx"):
        FusedModel(tmp_path, "photo")


def test_the_no_op_is_the_input_in_both_views(case: Case, astronaut: Image, eyes: Eyes) -> None:
    for view in (PhotoView(), CropView(112, grey=True)):
        output = NoOp(view).neutralize(case, astronaut, eyes)
        assert np.array_equal(output.image, view.see(astronaut, eyes).image)
        assert output.mask is not None
        assert not output.mask.any()


def test_classic_s_view_is_the_grey_crop_alone_and_put_back(
    case: Case, astronaut: Image, eyes: Eyes
) -> None:
    view = CropView(112, grey=True)
    crop = ClassicView(view).neutralize(case, astronaut, eyes)
    assert crop.mask is None
    # OpenCV's grey is the same but for rounding.
    assert np.abs(crop.image.astype(int) - view.see(astronaut, eyes).image).max() <= 1
    whole = ClassicView(PhotoView()).neutralize(case, astronaut, eyes)
    assert whole.image.shape == astronaut.shape
    assert whole.mask is not None
    assert np.array_equal(whole.image[whole.mask == 0], astronaut[whole.mask == 0])
    # What composites back is the change of the small crop, so a little colour stays at edges.
    colours = [np.ptp(i[whole.mask == 255].astype(int), axis=1) for i in (astronaut, whole.image)]
    assert colours[0].mean() > 30
    assert colours[1].mean() < 1


def test_classic_s_view_is_a_control_of_what_works_in_crops_and_of_classic(
    models: Path, tmp_path: Path, finder: EyeFinder, case: Case
) -> None:
    data = Dataset("one", [case], [])
    classic = FusedModel(write_models(tmp_path, "classic", (112,)), "classic")

    def names(system: System) -> list[str]:
        return [control.name for control in with_controls(system, data, finder)[1:]]

    assert names(classic) == ["no-op", "classic's view"]
    assert names(NoOp(CropView(112, grey=True))) == ["classic's view"]
    assert names(Service("http://127.0.0.1:9", "classic")) == ["no-op", "classic's view"]
    assert names(FusedModel(models, "photo")) == ["no-op"]


def test_glasses_are_looked_for_between_the_eyes(astronaut: Image, eyes: Eyes) -> None:
    assert seen_traits(astronaut, eyes) == {"glasses": "no"}
    framed = astronaut.copy()
    apart = float(np.linalg.norm(eyes[1] - eyes[0]))
    for x, y in eyes.round().astype(int):
        cv2.circle(framed, (int(x), int(y)), int(0.35 * apart), (10, 10, 10), 3)
    x, y = eyes.mean(0).round().astype(int).tolist()
    cv2.line(framed, (x - int(0.2 * apart), y), (x + int(0.2 * apart), y), (10, 10, 10), 3)
    assert seen_traits(framed, eyes) == {"glasses": "yes"}


def test_the_mean_of_one_face_is_that_face_put_back(
    finder: EyeFinder, case: Case, astronaut: Image, eyes: Eyes
) -> None:
    mean = mean_face(finder, [case.expressive])
    assert np.array_equal(
        mean, cut(astronaut, crop_matrix(eyes[0], eyes[1], MEAN_SIZE), MEAN_SIZE).image
    )
    output = MeanFace(PhotoView(), mean).neutralize(case, astronaut, eyes)
    assert np.abs(output.image.astype(int) - astronaut).mean() < 1.0
    small = MeanFace(CropView(112, grey=True), mean).neutralize(case, astronaut, eyes).image
    wanted = CropView(112, grey=True).see(astronaut, eyes).image
    assert np.abs(small.astype(int) - wanted)[8:-8, 8:-8].mean() < 4.0


def test_ready_outputs_are_found_scaled_and_missed(
    tmp_path: Path, case: Case, astronaut: Image, eyes: Eyes
) -> None:
    system = ReadyOutputs(tmp_path)
    with pytest.raises(SystemFailedError, match="no output for astronaut"):
        system.fingerprint(case)
    bgr = cv2.cvtColor(255 - astronaut, cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(tmp_path / "astronaut.png"), bgr)
    assert np.array_equal(system.neutralize(case, astronaut, eyes).image, 255 - astronaut)
    first = system.fingerprint(case)
    cv2.imwrite(str(tmp_path / "astronaut.png"), cv2.resize(bgr, (1024, 1024)))
    assert system.fingerprint(case) != first
    assert system.neutralize(case, astronaut, eyes).image.shape == astronaut.shape


@pytest.fixture
def service(models: Path) -> Iterator[str]:
    """The real service, listening, around the toy model."""
    settings = Settings(models_dir=models, device="cpu", warm_up=False)
    server = uvicorn.Server(
        uvicorn.Config(create_app(settings), host="127.0.0.1", port=0, log_level="warning")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started:
        assert time.monotonic() < deadline
        assert thread.is_alive()
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(30)
    assert not thread.is_alive()


def test_a_running_service_gives_what_its_model_gives(
    service: str, models: Path, case: Case, astronaut: Image, eyes: Eyes
) -> None:
    system = Service(service, "photo")
    output = system.neutralize(case, astronaut, eyes)
    # Eyes as the service finds them: the suite rounds them, which tips pixels over.
    found = FaceDetector().detect(astronaut)[0].landmarks[:2]
    assert np.abs(found - eyes).max() < 1e-3
    wanted = FusedModel(models, "photo").neutralize(case, astronaut, found).image
    difference = np.abs(output.image.astype(int) - wanted)
    assert difference.max() <= 2
    assert difference.mean() < 0.01
    assert system.fingerprint(case) != Service(service, "photo").fingerprint(case)
    with pytest.raises(SystemFailedError, match="answered 422"):
        system.neutralize(case, np.full((64, 64, 3), 90, np.uint8), eyes)


def test_an_absent_service_is_named(case: Case, astronaut: Image, eyes: Eyes) -> None:
    with pytest.raises(SystemFailedError, match="cannot be reached"):
        Service("http://127.0.0.1:9", "photo").neutralize(case, astronaut, eyes)
